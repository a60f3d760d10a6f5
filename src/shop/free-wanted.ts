import type { EntityManager } from '@mikro-orm/core';
import { lockFreeProducts, lockProducts } from '../legacy/lock-order.ts';
import { isUnavailable } from '../platform/faults.ts';
import { forkOf, type Platform } from '../platform/platform.ts';
import { prepared, sql } from '../platform/postgres.ts';
import { transact } from '../platform/transact.ts';
import { endOrders } from './end-orders.ts';

/** What somebody is about to ask for. */
export interface Wanted {
  readonly productIds: readonly string[];
  readonly issuedCouponIds: readonly string[];
}

/** Orders cancelled in one transaction, and transactions that somebody waits for. */
const MOST_AT_ONCE = 100;
const MOST_ROUNDS = 20;

/** How long a product that is wanted, and that somebody else has locked, is waited for here, before it is asked for. */
const PATIENCE_MS = 100;

/**
 * Cancels orders not paid in time that have what is wanted, up to two thousand: it is for sale, whether or not the sweep has
 * come by. A courtesy, which keeps nobody from asking: what is locked by others is left to the sweep.
 */
export async function freeWanted(platform: Platform, wanted: Wanted): Promise<void> {
  try {
    for (let round = 0; round < MOST_ROUNDS && (await freeSome(platform, wanted)); round++);
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    platform.log.debug({ error: String(error) }, 'overdue orders are left to the sweep');
  }
}

/** @returns whether there may be more that can be cancelled */
async function freeSome(platform: Platform, wanted: Wanted): Promise<boolean> {
  const em = forkOf(platform);
  const params = [wanted.productIds, wanted.issuedCouponIds];
  if ((await sql(em, prepared(`${OVERDUE} limit 1`), params)).length === 0) return false;
  return transact(em, async (inner) => {
    await sql(inner, `set local lock_timeout = ${PATIENCE_MS}`);
    const text = `${OVERDUE} order by o.pay_by limit $3 for no key update skip locked`;
    const overdue = await sql<{ id: string }>(inner, text, [...params, MOST_AT_ONCE]);
    const ids = overdue.map(({ id }) => id);
    const held = await lockWhatIsFree(inner, ids, wanted.productIds);
    const free = ids.filter((id) => !held.has(id));
    await endOrders(inner, free);
    return ids.length === MOST_AT_ONCE && free.length > 0;
  });
}

/**
 * Orders not paid in time that have one of the products $1, or one of the issued coupons $2. Lines are looked up order by
 * order: they are few, and those of a product may be millions.
 */
const OVERDUE = `select o.id from shop_order o
  where o.status = 'PLACED' and o.pay_by <= (select clock_timestamp())
    and (o.issued_coupon_id = any($2)
      or $1::uuid[] && array(select l.product_id from order_line l where l.order_id = o.id))`;

/**
 * Locks the products of orders that are locked: those that are wanted with a little patience, by id; after them, without
 * waiting, what else the orders have.
 * @returns those of the orders that have a product which somebody else has locked
 */
async function lockWhatIsFree(
  em: EntityManager,
  orderIds: readonly string[],
  wantedIds: readonly string[],
): Promise<Set<string>> {
  const lines = await sql<{ orderId: string; productId: string }>(
    em,
    `select distinct l.order_id as "orderId", l.product_id as "productId"
     from order_line l join product p on p.id = l.product_id where l.order_id = any($1) and p.stock is not null`,
    [orderIds],
  );
  const wanted = new Set(wantedIds);
  const productIds = [...new Set(lines.map(({ productId }) => productId))];
  const patiently = await lockProducts(
    em,
    productIds.filter((id) => wanted.has(id)),
  );
  const others = await lockFreeProducts(
    em,
    productIds.filter((id) => !wanted.has(id)),
  );
  const locked = new Set([...patiently.keys(), ...others]);
  return new Set(lines.flatMap(({ orderId, productId }) => (locked.has(productId) ? [] : orderId)));
}
