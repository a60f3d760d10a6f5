\set i :i + 1
\set n :from + :client_id * :each + :i
\set product :n % 10
begin;
insert into idempotency_key (user_id, mutation, key, hash, answer)
  values (md5('user' || :n)::uuid, 'placeOrder', 'yardstick', '', '{}') on conflict do nothing;
select id, price, stock from product where id = any(array[md5('product' || :product)::uuid]) order by id for update;
with o as (
  insert into shop_order (id, user_id, status, subtotal, discount, total, pay_by)
  values (md5('order' || :n)::uuid, md5('user' || :n)::uuid, 'PLACED', 100, 0, 100,
    clock_timestamp() + make_interval(mins => 15)) returning id
), lines as (
  insert into order_line (order_id, line_no, product_id, quantity, unit_price)
  select id, 1, md5('product' || :product)::uuid, 1, 100 from o returning product_id, quantity
)
update product p set stock = p.stock - l.quantity from lines l where p.id = l.product_id;
commit;
