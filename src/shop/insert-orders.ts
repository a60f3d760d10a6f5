import type { EntityManager } from '@mikro-orm/core';
import { prepared, sqlRow } from '../platform/postgres.ts';
import { ORDER_COLUMNS, type Order, OrderLine, type OrderRow, toOrder } from './order.ts';

/** A line of an order, its price fixed. */
export interface PricedLine {
  readonly productId: string;
  readonly quantity: number;
  readonly unitPrice: number;
}

interface NewOrder {
  readonly id: string;
  readonly userId: string;
  readonly issuedCouponId: string | null;
  readonly subtotal: number;
  readonly discount: number;
  /** How long it may stand unpaid. */
  readonly minutes: number;
  readonly lines: readonly PricedLine[];
}

/** Writes an order whose products are locked and have enough, and takes their stock. */
export async function insertOrder(em: EntityManager, order: NewOrder): Promise<Order> {
  const { id, userId, issuedCouponId, subtotal, discount, minutes, lines } = order;
  const row = await sqlRow<OrderRow>(
    em,
    prepared(`with o as (
       insert into shop_order (id, user_id, status, subtotal, discount, total, issued_coupon_id, pay_by)
       values ($1, $2, 'PLACED', $3::bigint, $4::bigint, $3::bigint - $4::bigint, $5,
         clock_timestamp() + make_interval(mins => $6))
       returning *
     ), lines as (
       insert into order_line (order_id, line_no, product_id, quantity, unit_price)
       select o.id, u.line_no, u.product_id, u.quantity, u.unit_price
       from o cross join unnest($7::uuid[], $8::int[], $9::bigint[]) with ordinality
         as u (product_id, quantity, unit_price, line_no)
       returning product_id, quantity
     ), taken as (
       update product p set stock = p.stock - l.quantity
       from (select product_id, sum(quantity) as quantity from lines group by product_id) l
       where p.id = l.product_id and p.stock is not null
     )
     select ${ORDER_COLUMNS} from o`),
    [
      id,
      userId,
      subtotal,
      discount,
      issuedCouponId,
      minutes,
      lines.map(({ productId }) => productId),
      lines.map(({ quantity }) => quantity),
      lines.map(({ unitPrice }) => unitPrice),
    ],
  );
  const takenLines = lines.map((line, index) =>
    Object.assign(new OrderLine(), line, { lineNo: index + 1, amount: line.quantity * line.unitPrice }),
  );
  return Object.assign(toOrder(row), { takenLines });
}
