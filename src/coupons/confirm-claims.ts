import { type EntityManager, OptimisticLockError } from '@mikro-orm/core';
import type { Reading } from '../legacy/guards/guard.ts';
import { lockCoupon } from '../legacy/lock-order.ts';
import { prepared, sql } from '../platform/postgres.ts';
import { insertIssued, numberClaims } from './insert-issued.ts';
import type { IssuedCoupon } from './issued-coupon.ts';
import { findIssued } from './read-coupons.ts';

/** What becomes of a claim. */
export type Verdict =
  | { readonly issued: IssuedCoupon; readonly isNew: boolean }
  | 'NO_SUCH_COUPON'
  | 'COUPON_CLOSED'
  | 'COUPON_SOLD_OUT';

/** A coupon as it stands. */
interface Facts {
  readonly quantity: number;
  /** How many are issued: the version of the coupon, since it goes up with each. */
  readonly issued: number;
  readonly isOpen: boolean;
}

/**
 * Writes, in `em`'s transaction, who gets a coupon: at most one for each user, serials from 1 to the quantity without a
 * gap, between startsAt and endsAt by PostgreSQL's clock. Whatever guard let the claims through, this decides.
 * @param userIds who claims, each once, in the order of arrival
 * @throws OptimisticLockError when others were issued since the coupon was read
 */
export async function confirmClaims(
  em: EntityManager,
  couponId: string,
  userIds: readonly string[],
  reading: Reading,
): Promise<Map<string, Verdict>> {
  if (reading === 'locked') await lockCoupon(em, couponId);
  const facts = await readFacts(em, couponId);
  if (!facts) return new Map(userIds.map((userId) => [userId, 'NO_SUCH_COUPON']));
  const had = await findIssued(em, couponId, userIds);
  const fresh = userIds.filter((userId) => !had.has(userId));
  const made = facts.isOpen ? await issue(em, couponId, facts, fresh) : new Map<string, IssuedCoupon>();
  const left = facts.isOpen ? facts.quantity - facts.issued : 0;
  // Fewer than were left: somebody was issued one in between, perhaps one of these users, who is not to hear "sold out".
  if (reading === 'versioned' && made.size < Math.min(fresh.length, left))
    throw OptimisticLockError.lockFailed('coupon');
  return new Map(userIds.map((userId) => [userId, verdictOn(userId, facts, had, made)]));
}

function verdictOn(
  userId: string,
  { isOpen, issued, quantity }: Facts,
  had: ReadonlyMap<string, IssuedCoupon>,
  made: ReadonlyMap<string, IssuedCoupon>,
): Verdict {
  const old = had.get(userId);
  if (old) return { issued: old, isNew: false };
  const fresh = made.get(userId);
  if (fresh) return { issued: fresh, isNew: true };
  return isOpen || issued === quantity ? 'COUPON_SOLD_OUT' : 'COUPON_CLOSED';
}

async function readFacts(em: EntityManager, couponId: string): Promise<Facts | undefined> {
  const [facts] = await sql<Facts>(
    em,
    prepared(`select quantity, issued, starts_at <= clock_timestamp() and clock_timestamp() < ends_at as "isOpen"
     from coupon where id = $1`),
    [couponId],
  );
  return facts;
}

/** @returns what was issued, by user: those for whom none is left get nothing */
async function issue(
  em: EntityManager,
  couponId: string,
  { issued, quantity }: Facts,
  userIds: readonly string[],
): Promise<Map<string, IssuedCoupon>> {
  const numbered = await numberClaims(em, couponId, quantity, userIds);
  if (numbered.length === 0) return new Map();
  const made = await insertIssued(em, couponId, issued, numbered);
  if (made.length < numbered.length) throw OptimisticLockError.lockFailed('coupon');
  return new Map(made.map((coupon) => [coupon.userId, coupon]));
}
