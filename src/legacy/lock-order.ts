import type { EntityManager } from '@mikro-orm/core';
import { anyOf, prepared, sql } from '../platform/postgres.ts';

/*
 * Every verb takes its locks in this order, and several of one kind by id, so that no two can wait for each other:
 *   1 idempotency key   (claimKeys)
 *   2 limits of a user  (lockUserAndShow, lockFreeUsersAndShow)
 *   3 payable           (lockReservations, lockOrders, lockWanted)
 *   4 seats or products (lockSeats, lockProducts, lockWanted): of products only those whose stock is written
 *   5 issued coupon     (lockIssuedCoupons)
 *   6 coupon            (by the runner alone)
 *   7 payment           (lockWanted)
 *   8 wallet            (Ledger.open where rows are locked first, else Ledger.write)
 * Reservations go with their seats before orders with their products. Under WALLET_GUARD=redis-lock the wallet's lock in
 * Redis comes before all of these, and before the transaction; so does the coupon's under COUPON_GUARD=redis-lock.
 * What is written after the wallet's lock (payment, tickets) was locked before, or is new.
 * Sweeps take what is free in the same order; of the first kind what is overdue longest, without waiting for any of it.
 * A lock is waited for at most lock_timeout. What sold is appended; only the job that adds it up (foldSales) writes `sale`,
 * and locks nothing of the above.
 */

/** Serialises what one user does about one show: limits per user and show are counted under it. */
export async function lockUserAndShow(em: EntityManager, userId: string, showId: string): Promise<void> {
  await sql(em, prepared(`select pg_advisory_xact_lock(hashtextextended($1 || ':' || $2, 0))`), [userId, showId]);
}

/** Takes the locks of `lockUserAndShow` that nobody else has, without waiting. @returns whose they are */
export async function lockFreeUsersAndShow(
  em: EntityManager,
  userIds: readonly string[],
  showId: string,
): Promise<string[]> {
  const rows = await sql<{ id: string }>(
    em,
    prepared(`select id from unnest($1::text[]) as u (id)
     where pg_try_advisory_xact_lock(hashtextextended(id || ':' || $2, 0))`),
    [userIds, showId],
  );
  return rows.map(({ id }) => id);
}

/** What a piece of work needs locked before it looks at anything. */
export interface Locks {
  /** Reservations whose user gets seats of the show that count for no limit yet. */
  readonly limitsOf?: readonly string[];
  /** Reservations; their seats are locked after them. */
  readonly reservations?: readonly string[];
  /** Hashes of queue tokens: the reservations that they hold are locked like those above. */
  readonly tokens?: readonly string[];
  readonly orders?: readonly string[];
  /** Those of the orders that may give stock back: their products are locked after all orders. */
  readonly productsOf?: readonly string[];
  readonly payments?: readonly string[];
}

/** Takes all the locks that pieces of work want together, kind after kind in the order above, each kind by id. */
export async function lockWanted(em: EntityManager, wanted: readonly Locks[]): Promise<void> {
  await lockLimitsOf(
    em,
    wanted.flatMap(({ limitsOf = [] }) => limitsOf),
  );
  await lockReservationsAndSeats(
    em,
    wanted.flatMap(({ reservations = [] }) => reservations),
    wanted.flatMap(({ tokens = [] }) => tokens),
  );
  await lockOrdersAndProducts(
    em,
    wanted.flatMap(({ orders = [] }) => orders),
    wanted.flatMap(({ productsOf = [] }) => productsOf),
  );
  await lockPayments(
    em,
    wanted.flatMap(({ payments = [] }) => payments),
  );
}

async function lockReservationsAndSeats(
  em: EntityManager,
  ids: readonly string[],
  tokens: readonly string[],
): Promise<void> {
  if (ids.length === 0) return;
  await sql(
    em,
    prepared(`with payables as materialized (
       select seat_ids from reservation
       where id = ${anyOf(1)} or (token_hash = ${anyOf(2, 'text')} and status = 'HELD') order by id for update
     )
     select id from seat where id in (select unnest(seat_ids) from payables) order by id for update`),
    [ids, tokens],
  );
}

async function lockOrdersAndProducts(
  em: EntityManager,
  ids: readonly string[],
  productsOf: readonly string[],
): Promise<void> {
  if (ids.length > 0) await lockOrders(em, ids);
  if (productsOf.length > 0) await lockProductsOfOrders(em, productsOf);
}

async function lockPayments(em: EntityManager, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await sql(em, 'select id from payment where id = any($1) order by id for update', [ids]);
}

/** Takes the locks of `lockUserAndShow` for the users and shows of reservations, which never change. */
async function lockLimitsOf(em: EntityManager, reservationIds: readonly string[]): Promise<void> {
  if (reservationIds.length === 0) return;
  const text = 'select distinct user_id, show_id from reservation where id = any($1) order by user_id, show_id';
  const rows = await sql<{ user_id: string; show_id: string }>(em, text, [reservationIds]);
  for (const { user_id, show_id } of rows) await lockUserAndShow(em, user_id, show_id);
}

/** Locks reservations that exist, by id. */
export async function lockReservations(em: EntityManager, ids: readonly string[]): Promise<void> {
  await sql(em, 'select id from reservation where id = any($1) order by id for update', [ids]);
}

/** Locks seats by id; waits for whoever has one of them. */
export async function lockSeats(em: EntityManager, ids: readonly string[]): Promise<void> {
  await sql(em, prepared(`select id from seat where id = ${anyOf(1)} order by id for update`), [ids]);
}

/** Locks those of the seats that nobody else has locked, without waiting. @returns their ids */
export async function lockFreeSeats(em: EntityManager, ids: readonly string[]): Promise<string[]> {
  const text = prepared(`select id from seat where id = ${anyOf(1)} order by id for update skip locked`);
  return (await sql<{ id: string }>(em, text, [ids])).map(({ id }) => id);
}

/** Locks orders that exist, by id. */
export async function lockOrders(em: EntityManager, ids: readonly string[]): Promise<void> {
  await sql(em, prepared(`select id from shop_order where id = ${anyOf(1)} order by id for no key update`), [ids]);
}

/** What selling needs to know of a product, under its lock. */
export interface LockedProduct {
  readonly id: string;
  readonly price: number;
  /** Null: made to order. It is not locked then, since there is nothing to run out of. */
  readonly stock: number | null;
}

/** Locks those of the products that have a stock, by id; waits for whoever has one of them. */
export async function lockProducts(em: EntityManager, ids: readonly string[]): Promise<Map<string, LockedProduct>> {
  const rows = await sql<LockedProduct>(
    em,
    prepared(`with limited as materialized (
       select id, price, stock from product where id = ${anyOf(1)} and stock is not null order by id for no key update
     )
     select id, price::float8 as price, stock from limited
     union all
     select id, price::float8, null from product where id = ${anyOf(1)} and stock is null`),
    [ids],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

/** Locks those of the products that nobody else has locked, without waiting. @returns their ids */
export async function lockFreeProducts(em: EntityManager, ids: readonly string[]): Promise<string[]> {
  const text = 'select id from product where id = any($1) order by id for no key update skip locked';
  return (await sql<{ id: string }>(em, text, [ids])).map(({ id }) => id);
}

/** Locks those products of orders that have a stock, by id, for it to be written; the orders are locked before. */
export async function lockProductsOfOrders(em: EntityManager, orderIds: readonly string[]): Promise<void> {
  await sql(
    em,
    prepared(`select id from product where id in (select product_id from order_line where order_id = ${anyOf(1)})
       and stock is not null order by id for no key update`),
    [orderIds],
  );
}

/** Locks coupons in somebody's hands, by id. */
export async function lockIssuedCoupons(em: EntityManager, ids: readonly string[]): Promise<void> {
  await sql(em, prepared(`select id from issued_coupon where id = ${anyOf(1)} order by id for no key update`), [ids]);
}

/** Locks those of the coupons in somebody's hands that nobody else has locked, without waiting. @returns their ids */
export async function lockFreeIssuedCoupons(em: EntityManager, ids: readonly string[]): Promise<string[]> {
  const text = 'select id from issued_coupon where id = any($1) order by id for no key update skip locked';
  return (await sql<{ id: string }>(em, text, [ids])).map(({ id }) => id);
}
