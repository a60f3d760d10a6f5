import type { EntityManager } from '@mikro-orm/core';
import type { EventData } from '../commands/event-types.ts';
import { lockRows, PRODUCTS } from '../commands/lock-order.ts';
import { writeOutbox } from '../commands/outbox.ts';
import { runAlone } from '../commands/runner.ts';
import { isLockedOut, isUnavailable } from '../platform/faults.ts';
import type { Job } from '../platform/jobs.ts';
import { forkOf, type Platform } from '../platform/platform.ts';
import { NOW_ONCE, prepared, sql } from '../platform/postgres.ts';
import { SECOND } from '../platform/units.ts';
import { orderLapsed } from './order.ts';
import { stockChanged } from './product.ts';
import { findLines } from './read-orders.ts';

/** The products and coupons that a caller is about to take. */
export interface Wanted {
  readonly productIds: readonly string[];
  readonly issuedCouponIds: readonly string[];
}

/** Most orders cancelled in one transaction, and most transactions that a caller waits for. */
const MAX_AT_ONCE = 100;
const MAX_ROUNDS = 20;

/** Milliseconds to wait for a product that another transaction has locked, before its orders are left to the sweep. */
const PATIENCE_MS = 100;

const OVERDUE = `from shop_order o where o.status = 'PLACED' and o.pay_by <= ${NOW_ONCE}`;

/**
 * Overdue orders that have one of the products $1, or one of the issued coupons $2. Lines are read order by order:
 * overdue orders have few lines, but a product may have millions.
 */
const OVERDUE_WITH = `${OVERDUE} and (o.issued_coupon_id = any($2)
  or $1::uuid[] && array(select l.product_id from order_line l where l.order_id = o.id))`;

/**
 * Cancels overdue orders and gives their stock back. Every reader sees an order as CANCELLED from the instant it is
 * overdue; the job only decides when other orders can take its stock.
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

/** Whether any overdue order that is still stored as PLACED has one of the wanted products or coupons. */
export async function hasOverdueWith(em: EntityManager, wanted: Wanted): Promise<boolean> {
  const { productIds, issuedCouponIds } = wanted;
  if (productIds.length + issuedCouponIds.length === 0) return false;
  const text = prepared(`select o.id ${OVERDUE_WITH} limit 1`);
  return (await sql(em, text, [productIds, issuedCouponIds])).length > 0;
}

/**
 * Cancels overdue orders, up to 2,000, that have a wanted product or coupon, so that these can be sold before the sweep
 * runs. Leaves orders whose rows others have locked to the sweep. Never throws because of a lock or an unreachable
 * server.
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
 * Ends those of the locked orders whose products can be locked. First it waits PATIENCE_MS for the awaited products, by
 * id; then it locks, without waiting, the other products of the orders.
 * @returns whether more orders may remain that can be ended
 * @throws an error that `isLockedOut` recognises when an awaited product could not be locked
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
  // Products that were not locked and have a stock are locked by others; those made to order need no lock.
  const held = await lockRows(em, { ...PRODUCTS, lock: 'version' }, left);
  const ended = orders.filter(({ id }) => !lines.get(id)?.some(({ productId }) => held.has(productId)));
  await endOrders(
    em,
    ended.map(({ id }) => id),
  );
  return orders.length === MAX_AT_ONCE && ended.length > 0;
}

/**
 * Makes PLACED orders CANCELLED and gives their stock back; other orders stay as they are. The orders must be locked
 * with their products. Their coupons are free again, because only a live order uses a coupon.
 */
async function endOrders(em: EntityManager, ids: readonly string[]): Promise<void> {
  const ended = await sql<EventData<'order.lapsed.v1'>>(
    em,
    `update shop_order set status = 'CANCELLED' where id = any($1) and status = 'PLACED'
     returning id as "orderId", user_id as "userId", total`,
    [ids],
  );
  const stocks = await sql<{ id: string; stock: number }>(
    em,
    `with back as (
       select l.product_id, sum(l.quantity) as quantity from order_line l where l.order_id = any($1) group by l.product_id
     )
     update product p set stock = p.stock + back.quantity
     from back where p.id = back.product_id and p.stock is not null returning p.id, p.stock`,
    [ended.map(({ orderId }) => orderId)],
  );
  const events = [...ended.map(orderLapsed), ...stocks.map(({ id, stock }) => stockChanged(id, stock))];
  await writeOutbox(
    em,
    events.map((event) => ({ event, requestId: undefined })),
  );
}
