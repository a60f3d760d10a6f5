import type { EntityManager } from '@mikro-orm/core';
import { lockProductsOfOrders } from '../legacy/lock-order.ts';
import { sql } from '../platform/postgres.ts';

/**
 * Makes orders that the caller has locked CANCELLED and gives their stock back; those that are not PLACED are left as
 * they are. The coupon is free again with it: only a live order has one.
 */
export async function endOrders(em: EntityManager, ids: readonly string[]): Promise<void> {
  await lockProductsOfOrders(em, ids);
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
