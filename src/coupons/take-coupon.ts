import type { EntityManager } from '@mikro-orm/core';
import { notFound, type Refusal, refuse } from '../api/problems.ts';
import { lockIssuedCoupons } from '../legacy/lock-order.ts';
import { anyOf, prepared, sql } from '../platform/postgres.ts';
import type { DiscountKind } from './coupon.ts';

/** A coupon in somebody's hands, under its lock. */
export interface LockedCoupon {
  readonly id: string;
  readonly userId: string;
  readonly discountKind: DiscountKind;
  readonly value: number;
  readonly minimumSubtotal: number;
  /** Whether the coupon is valid now. */
  readonly isOpen: boolean;
  /** Whether an order has it that was not cancelled. */
  isTaken: boolean;
}

/** Coupons in somebody's hands, by id, locked for orders of one transaction. */
export type LockedCoupons = ReadonlyMap<string, LockedCoupon>;

/** Locks those of the issued coupons that exist, by id, and reads them. */
export async function lockCoupons(em: EntityManager, ids: readonly string[]): Promise<LockedCoupons> {
  if (ids.length === 0) return new Map();
  await lockIssuedCoupons(em, ids);
  // Looked at only now: what was read along with the locks could be older than they are.
  const rows = await sql<LockedCoupon>(
    em,
    prepared(`select i.id, i.user_id as "userId", c.discount_kind as "discountKind", c.value::float8 as value,
       c.minimum_subtotal::float8 as "minimumSubtotal",
       c.starts_at <= clock_timestamp() and clock_timestamp() < c.ends_at as "isOpen",
       exists (select from shop_order o where o.issued_coupon_id = i.id and o.status in ('PLACED', 'PAID')) as "isTaken"
     from issued_coupon i join coupon c on c.id = i.coupon_id where i.id = ${anyOf(1)}`),
    [ids],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

/** @throws CallerError NOT_FOUND for one that is unknown or another user's */
export function couponOf(coupons: LockedCoupons, userId: string, id: string): LockedCoupon {
  const coupon = coupons.get(id);
  if (coupon?.userId !== userId) throw notFound('coupon of yours');
  return coupon;
}

/**
 * Takes a locked coupon for an order that will be written in the same transaction.
 * @param subtotal of the order, in minor units
 * @returns what it takes off, at most the subtotal; COUPON_NOT_USABLE when it is used, not valid now, or the subtotal is
 * too small
 */
export function takeCoupon(coupon: LockedCoupon, subtotal: number): number | Refusal {
  if (coupon.isTaken || !coupon.isOpen || subtotal < coupon.minimumSubtotal) return refuse('COUPON_NOT_USABLE');
  coupon.isTaken = true;
  return discountOf(coupon, subtotal);
}

/** What a coupon takes off: an amount, or percent rounded down to the minor unit, never more than there is. */
function discountOf({ discountKind, value }: LockedCoupon, subtotal: number): number {
  return discountKind === 'PERCENT' ? Math.floor((subtotal * value) / 100) : Math.min(value, subtotal);
}
