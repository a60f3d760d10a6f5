\set i :i + 1
\set n :from + :client_id * :each + :i
begin;
select pg_advisory_xact_lock(hashtextextended(md5('user' || :n) || 'show', 0));
select id from seat where id = any(array[md5('seat' || :n)::uuid]) order by id for update;
with r as (
  insert into reservation (id, user_id, show_id, seat_ids, seat_prices, status, amount, expires_at)
  select md5('reservation' || :n)::uuid, md5('user' || :n)::uuid, show_id, array[id], array[price], 'HELD', price,
    clock_timestamp() + make_interval(secs => 300)
  from seat where id = md5('seat' || :n)::uuid returning *
), seats as (
  update seat set revision = revision + 1 where id = md5('seat' || :n)::uuid returning id
)
insert into hold (seat_id, reservation_id, show_id, user_id, expires_at)
select s.id, r.id, r.show_id, r.user_id, r.expires_at from seats s, r
on conflict (seat_id) do update
  set reservation_id = excluded.reservation_id, user_id = excluded.user_id, expires_at = excluded.expires_at
  where hold.expires_at <= clock_timestamp();
commit;
