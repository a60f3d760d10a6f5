import type { Check } from './check.ts';

/** Each serial of a coupon is issued once, and each issued coupon is used once at most. */
export const COUPON_CHECKS: readonly Check[] = [
  {
    name: 'coupons-dense',
    rule: 'Of a coupon at most its quantity is issued, as many as it has counted, with serials from 1 up to that, none left out and none twice.',
    count: 'select count(*) from coupon',
    // Each serial must equal its place, counted from 1: a gap or a duplicate moves all later ones out of place.
    broken: `
      select 'coupon ' || c.id || ': ' || c.issued || ' counted, ' || coalesce(i.issued, 0) || ' issued of ' || c.quantity
        || coalesce(', issued coupon ' || i.misplaced[1] || ' out of place: serial ' || i.serial || ', not ' || i.place, '')
        as name
      from coupon c left join (
        select coupon_id, count(*) as issued, array_agg(id order by serial, place) filter (where serial <> place) as misplaced,
          min(serial) filter (where serial <> place) as serial, min(place) filter (where serial <> place) as place
        from (
          select *, row_number() over (partition by coupon_id order by serial) as place from issued_coupon
        ) numbered
        group by coupon_id
      ) i on i.coupon_id = c.id
      where c.issued <> coalesce(i.issued, 0) or c.issued > c.quantity or i.misplaced is not null`,
  },
  {
    name: 'coupons-once-per-user',
    rule: 'Nobody has two of one coupon.',
    count: 'select count(*) from issued_coupon',
    broken: `
      select 'user ' || user_id || ': ' || count(*) || ' of coupon ' || coupon_id as name
      from issued_coupon group by coupon_id, user_id having count(*) > 1`,
  },
  {
    name: 'coupons-used-once',
    rule: 'An issued coupon is used by at most one order that was not cancelled, and only by its own user.',
    count: 'select count(*) from shop_order where issued_coupon_id is not null',
    broken: `
      select 'issued coupon ' || i.id || ': on ' || count(*) || ' live orders, ' || count(*) filter (where o.user_id <> i.user_id)
        || ' of them not of its user' as name
      from issued_coupon i join shop_order o on o.issued_coupon_id = i.id and o.status in ('PLACED', 'PAID')
      group by i.id having count(*) > 1 or bool_or(o.user_id <> i.user_id)`,
  },
  {
    name: 'discounts-by-coupon',
    rule: 'An order has the discount that its coupon gives on its subtotal, at most the subtotal; without a coupon none.',
    count: 'select count(*) from shop_order',
    broken: `
      select 'order ' || o.id || ': ' || o.discount || ' off ' || o.subtotal || ' with '
        || coalesce('coupon ' || c.id, 'no coupon') as name
      from shop_order o left join issued_coupon i on i.id = o.issued_coupon_id left join coupon c on c.id = i.coupon_id
      where o.discount <> case c.discount_kind
        when 'FIXED' then least(c.value, o.subtotal) when 'PERCENT' then o.subtotal * c.value / 100 else 0 end
        or o.subtotal < c.minimum_subtotal`,
  },
];
