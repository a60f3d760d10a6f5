import type { EntityManager } from '@mikro-orm/core';
import { prepared, sqlRow } from '../platform/postgres.ts';
import { Payment } from './payment.ts';

/**
 * Makes an order that is locked PAID under a COMPLETED payment, and counts what it sold under the calendar day of the
 * payment: by new rows, so that payments for one product do not wait for each other.
 * @param timeZone IANA name
 */
export async function sellOrder(
  em: EntityManager,
  orderId: string,
  paymentId: string,
  timeZone: string,
): Promise<Payment> {
  const row = await sqlRow<{ payment: object }>(
    em,
    prepared(`with t as materialized (
       select clock_timestamp() as at
     ), o as (
       update shop_order set status = 'PAID', paid_on = (t.at at time zone $3)::date from t where id = $1
       returning id, user_id, total, paid_on, t.at
     ), sold as (
       insert into sale_change (day, product_id, quantity, revenue)
       select o.paid_on, l.product_id, sum(l.quantity), sum(l.quantity * l.unit_price)
       from o join order_line l on l.order_id = o.id group by o.paid_on, l.product_id
     ), paid as (
       insert into payment (id, user_id, order_id, amount, status, created_at)
       select $2::uuid, user_id, id, total, 'COMPLETED', at from o
       returning id, user_id, order_id, amount, status, failure, created_at, cancelled_at
     )
     select row_to_json(paid) as payment from paid`),
    [orderId, paymentId, timeZone],
  );
  return em.map(Payment, row.payment);
}
