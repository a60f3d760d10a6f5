import type { EntityManager } from '@mikro-orm/core';
import { sql } from '../platform/postgres.ts';

/**
 * Takes a paid order back that is locked with its products: its stock returns, its sales no longer count for the day
 * they were counted under, and its coupon is free again.
 */
export async function returnOrder(em: EntityManager, orderId: string): Promise<void> {
  await sql(
    em,
    `with o as (
       update shop_order set status = 'PAYMENT_CANCELLED' where id = $1 returning id, paid_on
     ), l as (
       select o.paid_on, l.product_id, sum(l.quantity) as quantity, sum(l.quantity * l.unit_price) as revenue
       from o join order_line l on l.order_id = o.id group by o.paid_on, l.product_id
     ), unsold as (
       insert into sale_change (day, product_id, quantity, revenue)
       select paid_on, product_id, -quantity, -revenue from l
     )
     update product p set stock = p.stock + l.quantity from l where p.id = l.product_id and p.stock is not null`,
    [orderId],
  );
}
