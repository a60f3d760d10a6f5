import type { EntityManager } from '@mikro-orm/core';
import { type Connection, idKey, pageOf, toConnection } from '../api/connection.ts';
import { type Batch, type Context, callerOf } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { prepared, sql } from '../platform/postgres.ts';
import { ORDER_COLUMNS, type Order, OrderLine, type OrderRow, toOrder } from './order.ts';

const NAME = 'order';

/** The order as it is now, whoever's it is. */
export async function findOrder(em: EntityManager, id: string): Promise<Order | undefined> {
  const [row] = await sql<OrderRow>(em, prepared(`select ${ORDER_COLUMNS} from shop_order o where o.id = $1`), [id]);
  return row && toOrder(row);
}

/** The caller's own order, or null. */
export async function readOrder(context: Context, id: string): Promise<Order | null> {
  const order = await findOrder(context.em, idOf('id', id));
  return order?.userId === callerOf(context).id ? order : null;
}

/** The caller's orders, newest first. */
export async function readOrders(
  context: Context,
  first: number,
  after: string | undefined,
): Promise<Connection<Order>> {
  const page = pageOf(NAME, first, after, idKey);
  const rows = await sql<OrderRow>(
    context.em,
    `select ${ORDER_COLUMNS} from shop_order o
     where o.user_id = $1 and ($2::uuid is null or o.id < $2) order by o.id desc limit $3`,
    [callerOf(context).id, page.after ?? null, first + 1],
  );
  return toConnection(NAME, rows.map(toOrder), first, ({ id }) => id);
}

export const ordersById: Batch<Order> = async ({ em }, ids) => {
  const rows = await sql<OrderRow>(em, `select ${ORDER_COLUMNS} from shop_order o where o.id = any($1)`, [ids]);
  const found = new Map(rows.map((row) => [row.id, toOrder(row)]));
  return ids.map((id) => found.get(id) as Order);
};

/** Lines of each order, in the order they were asked for. */
export const linesOfOrders: Batch<OrderLine[]> = async ({ em }, ids) => {
  const rows = await sql<OrderLine & { orderId: string }>(
    em,
    `select order_id as "orderId", line_no as "lineNo", product_id as "productId", quantity,
       unit_price as "unitPrice"
     from order_line where order_id = any($1) order by order_id, line_no`,
    [ids],
  );
  const byOrder = Map.groupBy(rows, ({ orderId }) => orderId);
  return ids.map((id) => (byOrder.get(id) ?? []).map((row) => Object.assign(new OrderLine(), row)));
};
