import type { EntityManager } from '@mikro-orm/core';
import { LRUCache } from 'lru-cache';
import { createUnionType, Field, ObjectType } from 'type-graphql';
import { type Context, callerOf } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { notFound, Problem, Refusal, refuse, sentenceOf } from '../api/problems.ts';
import { COUPONS, rowsOf } from '../commands/lock-order.ts';
import { Leave, type Prepared, run, type Verb } from '../commands/runner.ts';
import { forkOf, type Platform, perProcess } from '../platform/platform.ts';
import { anyOf, prepared, sql } from '../platform/postgres.ts';
import { SECOND } from '../platform/units.ts';
import { IssuedCoupon, WITH_USE } from './coupon.ts';

@ObjectType({
  implements: Problem,
  description: '`COUPON_ALREADY_CLAIMED`: the user has the coupon already; no other was issued',
})
export class CouponAlreadyClaimed extends Problem {
  @Field(() => IssuedCoupon, { description: 'The coupon that the user has' })
  issuedCoupon!: IssuedCoupon;
}

export const ClaimCouponResult = createUnionType({
  name: 'ClaimCouponResult',
  description: 'The IssuedCoupon, CouponAlreadyClaimed, or a Refusal: `COUPON_SOLD_OUT` or `COUPON_CLOSED`',
  types: () => [IssuedCoupon, CouponAlreadyClaimed, Refusal] as const,
});

export type ClaimAnswer = IssuedCoupon | CouponAlreadyClaimed | Refusal;

/**
 * Milliseconds for which a process remembers that a coupon is sold out, or that some are left: a claim then needs no
 * look.
 */
const SOLD_OUT_MS = SECOND;
const LEFT_MS = SECOND / 10;
/** Most coupons that a process remembers. */
const MAX_REMEMBERED = 10_000;

/** The result of a process's last look at a coupon. */
interface Seen {
  readonly isSoldOut: boolean;
}

const seenLately = perProcess(() => new LRUCache<string, Seen>({ max: MAX_REMEMBERED }));

interface Claim {
  readonly couponId: string;
  readonly userId: string;
  /**
   * Whether the process remembers that the coupon is sold out: the claim then waits for no other claim or lock in
   * Redis.
   */
  readonly isSoldOut: boolean;
}

type Ready = Prepared<undefined, ClaimAnswer>;

/** Facts that the claims of one coupon in one batch share. */
interface CouponFacts {
  /** Issued coupons of users of the batch, by user id. */
  readonly had: Map<string, IssuedCoupon>;
  /** The lowest free serials, ascending, as many as can be issued. */
  readonly free: number[];
}

const CLAIM_COUPON: Verb<Claim, ClaimAnswer, undefined, CouponFacts> = {
  name: 'claimCoupon',
  contends: ({ couponId, isSoldOut }) => (isSoldOut ? [] : [`coupon:${couponId}`]),

  async prepare(platform, claims) {
    const unsure = claims.filter(({ couponId, isSoldOut }) => isSoldOut || !seenLately(platform).has(couponId));
    if (unsure.length === 0) return claims.map(() => ({ known: undefined }));
    const em = forkOf(platform);
    const looks = await lookAtClaims(em, unsure);
    const had = await readHad(em, looks);
    const refused = new Map(
      unsure.map((claim, index) => [claim, refusalOf(platform, claim, looks[index] as Look, had)]),
    );
    return claims.map((claim) => refused.get(claim) ?? { known: undefined });
  },

  locks: ({ couponId }) => ({ rows: [rowsOf(COUPONS, [couponId])] }),

  async facts(em, items, { platform }) {
    const looks = await lookAtClaims(
      em,
      items.map(({ asked }) => asked),
    );
    const had = await readHad(em, looks);
    const byCoupon = new Map<string, CouponFacts>();
    for (const [couponId, group] of Map.groupBy(items.keys(), (index) => items[index]?.asked.couponId as string)) {
      const look = looks[group[0] as number] as Look;
      byCoupon.set(couponId, { had: new Map(), free: await lowestFree(em, couponId, look, group.length) });
      remember(platform, couponId, look);
    }
    return items.map(({ asked: { couponId, userId } }, index) => {
      const facts = byCoupon.get(couponId) as CouponFacts;
      const issuedCoupon = had.get(looks[index]?.issuedId ?? '');
      if (issuedCoupon) facts.had.set(userId, issuedCoupon);
      return facts;
    });
  },

  decide({ asked: { couponId, userId }, facts: { had, free } }, scene) {
    const issuedCoupon = had.get(userId);
    if (issuedCoupon) return couponAlreadyClaimed(issuedCoupon);
    const [serial] = free;
    // Decided by the look that also found the users' coupons, not by the coupon's row: read without a lock, the row may
    // be older than the look, and a user who was issued a coupon in between would be refused. The version check fails a
    // batch when a coupon was issued in between.
    if (serial === undefined) return refuse('COUPON_SOLD_OUT');
    const coupon = scene.get(COUPONS, couponId);
    if (!coupon.isClaimableAt(scene.now)) return refuse('COUPON_CLOSED');
    // More were added between the reading of the row, without a lock, and the look.
    if (coupon.remaining < 1) return new Leave();
    free.shift();
    const issued = coupon.issue(userId, serial, scene.now);
    had.set(userId, issued);
    scene.insert(issued);
    return issued;
  },
};

/**
 * Issues one of the coupons to the caller, in the order of arrival, with serials from 1.
 * @returns the IssuedCoupon; CouponAlreadyClaimed for a caller who has one; a Refusal COUPON_SOLD_OUT, or COUPON_CLOSED
 * before startsAt, from endsAt on and once an operator has closed it. For up to a second after more were added,
 * COUPON_SOLD_OUT may still be answered
 * @throws CallerError NOT_FOUND for an unknown coupon
 */
export async function claimCoupon(context: Context, couponIdText: string): Promise<ClaimAnswer> {
  const couponId = idOf('couponId', couponIdText);
  const isSoldOut = seenLately(context.platform).get(couponId)?.isSoldOut ?? false;
  return run(context, CLAIM_COUPON, { couponId, userId: callerOf(context).id, isSoldOut });
}

/** Decides from a look without locks whether a claim ends without a transaction. @returns undefined when it does not */
function refusalOf(
  platform: Platform,
  { couponId, isSoldOut }: Claim,
  look: Look,
  had: ReadonlyMap<string, IssuedCoupon>,
): Ready | undefined {
  if (look.quantity === null) return { error: notFound('coupon') };
  const issuedCoupon = had.get(look.issuedId ?? '');
  if (issuedCoupon) return { answer: couponAlreadyClaimed(issuedCoupon) };
  remember(platform, couponId, look);
  if (isSoldOut || isGone(look)) return { answer: refuse('COUPON_SOLD_OUT') };
  return look.isOpen ? undefined : { answer: refuse('COUPON_CLOSED') };
}

/**
 * Remembers whether a coupon is sold out; a closed coupon that is not sold out is not remembered, so each claim looks.
 */
function remember(platform: Platform, couponId: string, look: Look): void {
  const isSoldOut = isGone(look);
  if (isSoldOut || look.isOpen)
    seenLately(platform).set(couponId, { isSoldOut }, { ttl: isSoldOut ? SOLD_OUT_MS : LEFT_MS });
}

function isGone({ quantity, issued }: Look): boolean {
  return quantity !== null && issued >= quantity;
}

/** The coupon of a claim, and the user's issued one, as of one snapshot. */
interface Look {
  /** Null for an unknown coupon; the other columns then have no meaning. */
  readonly quantity: number | null;
  readonly issued: number;
  /** The highest serial that was issued; 0 for none. */
  readonly highest: number;
  readonly isOpen: boolean;
  readonly issuedId: string | null;
}

/** Looks at the coupons of claims in one statement. @returns one look for each claim, in their order */
function lookAtClaims(em: EntityManager, claims: readonly Claim[]): Promise<Look[]> {
  return sql<Look>(
    em,
    prepared(`with coupons as materialized (
       select c.id, c.quantity, c.issued,
         c.closed_at is null and c.starts_at <= clock_timestamp() and clock_timestamp() < c.ends_at as is_open,
         coalesce((select max(i.serial) from issued_coupon i where i.coupon_id = c.id), 0) as highest
       from coupon c where c.id = ${anyOf(1)}
     )
     select c.quantity, c.issued, c.highest, c.is_open as "isOpen",
       (select i.id from issued_coupon i where i.coupon_id = u.coupon_id and i.user_id = u.user_id) as "issuedId"
     from unnest($1::uuid[], $2::uuid[]) with ordinality as u (coupon_id, user_id, place)
     left join coupons c on c.id = u.coupon_id order by u.place`),
    [claims.map(({ couponId }) => couponId), claims.map(({ userId }) => userId)],
  );
}

/** Reads the issued coupons that looks have found. @returns them by id */
async function readHad(em: EntityManager, looks: readonly Look[]): Promise<ReadonlyMap<string, IssuedCoupon>> {
  const ids = looks.flatMap(({ issuedId }) => issuedId ?? []);
  if (ids.length === 0) return new Map();
  const rows = await em.find(IssuedCoupon, { id: { $in: ids } }, { populate: WITH_USE, disableIdentityMap: true });
  return new Map(rows.map((row) => [row.id, row]));
}

/**
 * Up to `count` free serials, the lowest first. They follow the highest one issued, unless rows were deleted by hand.
 */
async function lowestFree(
  em: EntityManager,
  couponId: string,
  { quantity, issued, highest }: Look,
  count: number,
): Promise<number[]> {
  const left = Math.min(count, (quantity ?? 0) - issued);
  if (highest === issued) return Array.from({ length: left }, (_, index) => highest + 1 + index);
  const rows = await sql<{ serial: number }>(
    em,
    `select s.serial from generate_series(1, least($2::int, $3::int + $4::int)) as s (serial)
     where not exists (select from issued_coupon i where i.coupon_id = $1 and i.serial = s.serial)
     order by s.serial limit $4`,
    [couponId, quantity, highest, Math.max(0, left)],
  );
  return rows.map(({ serial }) => serial);
}

function couponAlreadyClaimed(issuedCoupon: IssuedCoupon): CouponAlreadyClaimed {
  return Object.assign(new CouponAlreadyClaimed(), sentenceOf('COUPON_ALREADY_CLAIMED'), { issuedCoupon });
}
