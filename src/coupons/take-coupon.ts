import type { EntityManager } from '@mikro-orm/core';
import { lockIssuedCoupon } from '../lock-order.ts';
import { prepared, sql } from '../platform/postgres.ts';
import { notFound, type Refusal, refuse } from '../problems.ts';
import type { DiscountKind } from './coupon.ts';

interface Facts {
  readonly discountKind: DiscountKind;
  readonly value: number;
  readonly minimumSubtotal: number;
  /** Whether the coupon is valid now. */
  readonly isOpen: boolean;
  /** Whether an order has it that was not cancelled. */
  readonly isTaken: boolean;
}

/**
 * Locks the user's coupon for an order that will be written in this transaction, which takes it.
 * @param subtotal of the order, in minor units
 * @returns what it takes off, at most the subtotal; COUPON_NOT_USABLE when it is used, not valid now, or the subtotal is
 * too small
 * @throws CallerError NOT_FOUND for one that is unknown or another user's
 */
export async function takeCoupon(
  em: EntityManager,
  userId: string,
  issuedCouponId: string,
  subtotal: number,
): Promise<number | Refusal> {
  await lockIssuedCoupon(em, issuedCouponId);
  // Looked at only now: what was read along with the lock could be older than it.
  const [facts] = await sql<Facts>(
    em,
    prepared(`select c.discount_kind as "discountKind", c.value::float8 as value,
       c.minimum_subtotal::float8 as "minimumSubtotal",
       c.starts_at <= clock_timestamp() and clock_timestamp() < c.ends_at as "isOpen",
       exists (select from shop_order o where o.issued_coupon_id = i.id and o.status in ('PLACED', 'PAID')) as "isTaken"
     from issued_coupon i join coupon c on c.id = i.coupon_id where i.id = $1 and i.user_id = $2`),
    [issuedCouponId, userId],
  );
  if (!facts) throw notFound('coupon of yours');
  if (facts.isTaken || !facts.isOpen || subtotal < facts.minimumSubtotal) return refuse('COUPON_NOT_USABLE');
  return discountOf(facts, subtotal);
}

/** What a coupon takes off: an amount, or percent rounded down to the minor unit, never more than there is. */
function discountOf({ discountKind, value }: Facts, subtotal: number): number {
  return discountKind === 'PERCENT' ? Math.floor((subtotal * value) / 100) : Math.min(value, subtotal);
}
