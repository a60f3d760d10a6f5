import type { Check } from './check.ts';

/** SQL for the pieces of each line that were given back. */
const RETURNED = `(
  select order_id, line_no, sum(quantity) as quantity from refund_line group by order_id, line_no
)`;

/** SQL for the pieces in orders with this status that were not given back, summed by product. */
function piecesIn(status: string): string {
  return `(
    select l.product_id, sum(l.quantity - coalesce(r.quantity, 0)) as pieces
    from order_line l join shop_order o on o.id = l.order_id left join ${RETURNED} r using (order_id, line_no)
    where o.status = '${status}' group by l.product_id
  )`;
}

/** No more pieces are sold than were made, and sales are counted right. */
export const SHOP_CHECKS: readonly Check[] = [
  {
    name: 'stock-adds-up',
    rule: 'What was made of a product, less what paid orders have and unpaid ones have taken, is in stock.',
    count: 'select count(*) from product where stock is not null',
    broken: `
      select 'product ' || p.id || ': ' || p.made || ' made, ' || coalesce(s.pieces, 0) || ' sold, '
        || coalesce(t.pieces, 0) || ' taken, ' || p.stock || ' in stock' as name
      from product p
        left join ${piecesIn('PAID')} s on s.product_id = p.id
        left join ${piecesIn('PLACED')} t on t.product_id = p.id
      where p.stock is not null
        and (p.stock < 0 or p.made - coalesce(s.pieces, 0) - coalesce(t.pieces, 0) <> p.stock)`,
  },
  {
    name: 'orders-add-up',
    rule: 'The subtotal of an order is the sum of its lines, its total that less a discount of at most as much, which its lines share.',
    count: 'select count(*) from shop_order',
    broken: `
      select 'order ' || o.id || ': lines of ' || coalesce(l.amount, 0) || ', ' || o.subtotal || ' - ' || o.discount
        || ' = ' || o.total || case when o.discount <> l.discount then ', ' || l.discount || ' off its lines' else '' end as name
      from shop_order o left join (
        select order_id, sum(quantity * unit_price) as amount, sum(discount) as discount from order_line group by order_id
      ) l on l.order_id = o.id
      where o.subtotal is distinct from l.amount or o.subtotal - o.discount <> o.total or o.discount <> l.discount
        or o.discount not between 0 and o.subtotal`,
  },
  {
    name: 'best-sellers-exact',
    rule: 'What a product sold on a day is what the PAID orders of that day have of it, without what was given back.',
    count: 'select count(*) from (select distinct day, product_id from sale_so_far) s',
    broken: `
      select 'product ' || product_id || ' on ' || coalesce(day::text, 'no day') || ': ' || coalesce(s.quantity, 0) || ' for '
        || coalesce(s.revenue, 0) || ' counted, ' || coalesce(o.quantity, 0) || ' for ' || coalesce(o.revenue, 0)
        || ' sold' as name
      from (
        select day, product_id, sum(quantity) as quantity, sum(revenue) as revenue from sale_so_far group by day, product_id
      ) s full join (
        select o.paid_on as day, l.product_id, sum(l.quantity - coalesce(r.quantity, 0)) as quantity,
          sum((l.quantity - coalesce(r.quantity, 0)) * l.unit_price) as revenue
        from shop_order o join order_line l on l.order_id = o.id left join ${RETURNED} r using (order_id, line_no)
        where o.status = 'PAID' group by o.paid_on, l.product_id
      ) o using (day, product_id)
      where coalesce(s.quantity, 0) <> coalesce(o.quantity, 0) or coalesce(s.revenue, 0) <> coalesce(o.revenue, 0)`,
  },
];
