import type { EntityManager } from '@mikro-orm/core';
import { lockRows, PRODUCTS } from '../commands/lock-order.ts';
import { runAlone } from '../commands/runner.ts';
import { isLockedOut, isUnavailable } from '../platform/faults.ts';
import type { Job } from '../platform/jobs.ts';
import { forkOf, type Platform } from '../platform/platform.ts';
import { NOW_ONCE, prepared, sql } from '../platform/postgres.ts';
import { SECOND } from '../platform/units.ts';
import { findLines } from './read-orders.ts';

/** What a caller is about to take. */
export interface Wanted {
  readonly productIds: readonly string[];
  readonly issuedCouponIds: readonly string[];
}

/** Orders cancelled in one transaction, and transactions that a caller waits for. */
const MAX_AT_ONCE = 100;
const MAX_ROUNDS = 20;

/** How long a product that somebody else has locked is waited for, before orders that have it are left alone. */
const PATIENCE_MS = 100;

const OVERDUE = `from shop_order o where o.status = 'PLACED' and o.pay_by <= ${NOW_ONCE}`;

/**
 * Overdue orders that have one of the products $1, or one of the issued coupons $2. Lines are looked up order by order:
 * those of the overdue are few, and those of a product may be millions.
 */
const OVERDUE_WITH = `${OVERDUE} and (o.issued_coupon_id = any($2)
  or $1::uuid[] && array(select l.product_id from order_line l where l.order_id = o.id))`;

/**
 * Cancels orders that were not paid in time, and gives their stock back. An order is CANCELLED for everybody from the
 * instant its time is over; what depends on this is only when the others can have its stock.
 */
export const lapseOrders: Job = {
  name: 'lapse-orders',
  everyMs: SECOND,
  async run(platform) {
    const any = prepared(`select o.id ${OVERDUE} order by pay_by limit 1`);
    const some = `select o.id ${OVERDUE} order by pay_by limit $1 for update skip locked`;
    const endSome = (isAwaited: (productId: string) => boolean): Promise<boolean> =>
      runAlone(platform, async (em) => endFree(em, await sql(em, some, [MAX_AT_ONCE]), isAwaited));
    let isMore = true;
    while (isMore && (await sql(forkOf(platform), any)).length > 0) {
      isMore = await endSome(() => true).catch((error: unknown) => {
        if (!isLockedOut(error)) throw error;
        return endSome(() => false);
      });
    }
  },
};

/** Whether there are orders, not paid in time and not swept yet, that have something of what is wanted. */
export async function hasOverdueWith(em: EntityManager, wanted: Wanted): Promise<boolean> {
  const { productIds, issuedCouponIds } = wanted;
  if (productIds.length + issuedCouponIds.length === 0) return false;
  const text = prepared(`select o.id ${OVERDUE_WITH} limit 1`);
  return (await sql(em, text, [productIds, issuedCouponIds])).length > 0;
}

/**
 * Cancels orders not paid in time that have what is wanted, up to two thousand: it is for sale, whether or not the sweep has
 * come by. What is locked by others is left to the sweep. Never throws because of a lock or a server that is away.
 */
export async function endOverdueWith(platform: Platform, wanted: Wanted): Promise<void> {
  const products = new Set(wanted.productIds);
  const params = [wanted.productIds, wanted.issuedCouponIds, MAX_AT_ONCE];
  const some = `select o.id ${OVERDUE_WITH} order by o.pay_by limit $3 for update skip locked`;
  try {
    for (let round = 0; round < MAX_ROUNDS && (await hasOverdueWith(forkOf(platform), wanted)); round++) {
      const isMore = await runAlone(platform, async (em) =>
        endFree(em, await sql(em, some, params), (id) => products.has(id)),
      );
      if (!isMore) return;
    }
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    platform.log.debug({ error: String(error) }, 'overdue orders are left to the sweep');
  }
}

/**
 * Ends those of the locked orders whose products are to be had: awaited ones are waited for a little, by id; after them,
 * without waiting, what else the orders have.
 * @returns whether there may be more that can be ended
 * @throws an error that `isLockedOut` knows when an awaited product was not to be had
 */
async function endFree(
  em: EntityManager,
  orders: readonly { readonly id: string }[],
  isAwaited: (productId: string) => boolean,
): Promise<boolean> {
  if (orders.length === 0) return false;
  await sql(em, `set local lock_timeout = ${PATIENCE_MS}`);
  const lines = await findLines(
    em,
    orders.map(({ id }) => id),
  );
  const productIds = [...new Set([...lines.values()].flat().map(({ productId }) => productId))];
  const awaited = await lockRows(em, PRODUCTS, productIds.filter(isAwaited));
  const others = productIds.filter((id) => !awaited.has(id));
  const free = await lockRows(em, { ...PRODUCTS, lock: 'skip' }, others);
  const left = others.filter((id) => !free.has(id));
  // Of those that were not locked, the ones made to order need no lock.
  const held = await lockRows(em, { ...PRODUCTS, lock: 'version' }, left);
  const ended = orders.filter(({ id }) => !lines.get(id)?.some(({ productId }) => held.has(productId)));
  await endOrders(
    em,
    ended.map(({ id }) => id),
  );
  return orders.length === MAX_AT_ONCE && ended.length > 0;
}

/**
 * Makes orders CANCELLED that are locked with their products, and gives their stock back; those that are not PLACED are left
 * as they are. The coupon is free again with it: only a live order has one.
 */
async function endOrders(em: EntityManager, ids: readonly string[]): Promise<void> {
  await sql(
    em,
    `with ended as (
       update shop_order set status = 'CANCELLED' where id = any($1) and status = 'PLACED' returning id
     ), back as (
       select l.product_id, sum(l.quantity) as quantity
       from order_line l join ended on ended.id = l.order_id group by l.product_id
     )
     update product p set stock = p.stock + back.quantity
     from back where p.id = back.product_id and p.stock is not null`,
    [ids],
  );
}
