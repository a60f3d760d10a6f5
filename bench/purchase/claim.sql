\set i :i + 1
\set n :from + :client_id * :each + :i
begin;
select issued, quantity from coupon where id = md5('coupon')::uuid for update;
with taken as (
  update coupon set issued = issued + 1 where id = md5('coupon')::uuid returning id, quantity, issued
)
insert into issued_coupon (id, coupon_id, quantity, user_id, serial)
select md5('issued' || :n)::uuid, id, quantity, md5('user' || :n)::uuid, issued from taken;
commit;
