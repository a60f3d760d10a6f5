import type { EntityManager } from '@mikro-orm/core';
import { prepared, sql } from '../platform/postgres.ts';
import { ORDER_COLUMNS, type Order, OrderLine, type OrderRow, toOrder } from './order.ts';

/** A line of an order, its price fixed. */
export interface PricedLine {
  readonly productId: string;
  readonly quantity: number;
  readonly unitPrice: number;
}

export interface NewOrder {
  readonly id: string;
  readonly userId: string;
  readonly issuedCouponId: string | null;
  readonly subtotal: number;
  readonly discount: number;
  readonly lines: readonly PricedLine[];
}

/**
 * Writes orders whose products are locked and have enough for all of them, and takes their stock.
 * @param minutes how long they may stand unpaid
 * @returns the Orders by id
 */
export async function insertOrders(
  em: EntityManager,
  orders: readonly NewOrder[],
  minutes: number,
): Promise<Map<string, Order>> {
  const lines = orders.flatMap((order) => linesOf(order));
  const rows = await sql<OrderRow>(
    em,
    prepared(`with o as (
       insert into shop_order (id, user_id, status, subtotal, discount, total, issued_coupon_id, pay_by)
       select id, user_id, 'PLACED', subtotal, discount, subtotal - discount, issued_coupon_id,
         clock_timestamp() + make_interval(mins => $1)
       from unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[], $6::uuid[])
         as u (id, user_id, subtotal, discount, issued_coupon_id)
       returning *
     ), lines as (
       insert into order_line (order_id, line_no, product_id, quantity, unit_price)
       select * from unnest($7::uuid[], $8::int[], $9::uuid[], $10::int[], $11::bigint[])
       returning product_id, quantity
     ), taken as (
       update product p set stock = p.stock - l.quantity
       from (select product_id, sum(quantity) as quantity from lines group by product_id) l
       where p.id = l.product_id and p.stock is not null
     )
     select ${ORDER_COLUMNS} from o`),
    [
      minutes,
      orders.map(({ id }) => id),
      orders.map(({ userId }) => userId),
      orders.map(({ subtotal }) => subtotal),
      orders.map(({ discount }) => discount),
      orders.map(({ issuedCouponId }) => issuedCouponId),
      lines.map(({ orderId }) => orderId),
      lines.map(({ lineNo }) => lineNo),
      lines.map(({ productId }) => productId),
      lines.map(({ quantity }) => quantity),
      lines.map(({ unitPrice }) => unitPrice),
    ],
  );
  return new Map(rows.map((row) => [row.id, toOrder(row)]));
}

/** The lines of an order as they are written. */
export function linesOf({ id, lines }: NewOrder): OrderLine[] {
  return lines.map((line, index) => Object.assign(new OrderLine(), line, { orderId: id, lineNo: index + 1 }));
}
