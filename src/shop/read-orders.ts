import type { EntityManager } from '@mikro-orm/core';
import { type Connection, idKey, type PageArgs, pageOf, readNewestFirst } from '../api/connection.ts';
import { type Batch, type Context, callerOf } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { sql } from '../platform/postgres.ts';
import { Order, OrderLine, type Returned } from './order.ts';

/** Reads an order of any user as it is now. @returns null for an unknown id */
export function findOrder(em: EntityManager, id: string): Promise<Order | null> {
  return em.findOne(Order, { id }, { disableIdentityMap: true });
}

/** Reads an order of the caller. @returns null for an unknown or another user's order */
export async function readOrder(context: Context, id: string): Promise<Order | null> {
  const order = await findOrder(context.em, idOf('id', id));
  return order?.userId === callerOf(context).id ? order : null;
}

/** Reads a page of a user's orders, newest first. */
export async function readOrders({ em }: Context, userId: string, args: PageArgs): Promise<Connection<Order>> {
  return readNewestFirst(em, Order, { userId }, pageOf('order', args, idKey), 'id');
}

/** Loads orders by id; each id must exist. */
export const ordersById: Batch<Order> = async ({ em }, ids) => {
  const orders = await em.find(Order, { id: { $in: [...ids] } }, { disableIdentityMap: true });
  const found = new Map(orders.map((order) => [order.id, order]));
  return ids.map((id) => found.get(id) as Order);
};

/** Loads the lines of each order, in the order in which the request named them. */
export const linesOfOrders: Batch<OrderLine[]> = async ({ em }, ids) => {
  const lines = await findLines(em, ids);
  return ids.map((id) => lines.get(id) ?? []);
};

/** Reads lines by the orders' ids, in the order in which the requests named them. Lines never change. */
export async function findLines(em: EntityManager, orderIds: readonly string[]): Promise<Map<string, OrderLine[]>> {
  const lines = await em.find(
    OrderLine,
    { orderId: { $in: [...new Set(orderIds)] } },
    { orderBy: { orderId: 1, lineNo: 1 }, disableIdentityMap: true },
  );
  return Map.groupBy(lines, ({ orderId }) => orderId);
}

const NOTHING: Returned = { quantity: 0, amount: 0 };

/** Loads what was given back of each line. @param keys as `lineKey` makes them */
export const returnedOfLines: Batch<Returned> = async ({ em }, keys) => {
  const returned = await readReturned(
    em,
    keys.map((key) => key.slice(0, key.indexOf(' '))),
  );
  return keys.map((key) => returned.get(key) ?? NOTHING);
};

/** Names a line among those of all orders. */
export function lineKey(orderId: string, lineNo: number): string {
  return `${orderId} ${lineNo}`;
}

/** Reads what was given back of the lines of orders, by `lineKey`; nothing for other lines. */
export async function readReturned(em: EntityManager, orderIds: readonly string[]): Promise<Map<string, Returned>> {
  const rows = await sql<Returned & { orderId: string; lineNo: number }>(
    em,
    `select order_id as "orderId", line_no as "lineNo", sum(quantity)::int as quantity, sum(amount)::bigint as amount
     from refund_line where order_id = any($1) group by order_id, line_no`,
    [[...new Set(orderIds)]],
  );
  return new Map(rows.map(({ orderId, lineNo, quantity, amount }) => [lineKey(orderId, lineNo), { quantity, amount }]));
}
