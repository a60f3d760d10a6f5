\set i :i + 1
\set n :from + :client_id * :each + :i
begin;
insert into idempotency_key (user_id, mutation, key, hash, answer)
  values (md5('user' || :n)::uuid, 'pay', 'yardstick', '', '{}') on conflict do nothing;
select id from reservation where id = md5('reservation' || :n)::uuid for update;
select id from seat where id = any(array[md5('seat' || :n)::uuid]) order by id for update;
select balance, seq, version from wallet where user_id = md5('user' || :n)::uuid;
with gone as (
  delete from hold where seat_id = md5('seat' || :n)::uuid returning seat_id
), confirmed as (
  update reservation set status = 'CONFIRMED' where id = md5('reservation' || :n)::uuid returning *
), sold as (
  insert into ticket (id, seat_id, reservation_id, show_id, user_id)
  select md5('ticket' || :n)::uuid, seat_ids[1], id, show_id, user_id from confirmed
), seats as (
  update seat set revision = revision + 1 where id = md5('seat' || :n)::uuid
)
insert into payment (id, user_id, reservation_id, amount, status)
select md5('payment' || :n)::uuid, user_id, id, amount, 'COMPLETED' from confirmed;
update wallet set balance = balance - 100, seq = seq + 1, version = version + 1, moved_on = current_date
  where user_id = md5('user' || :n)::uuid and version = 0;
insert into entry (id, wallet_id, seq, kind, amount, balance_before, balance_after, payment_id)
  values (md5('paid' || :n)::uuid, md5('user' || :n)::uuid, 2, 'PAYMENT', -100, 1000, 900, md5('payment' || :n)::uuid);
commit;
