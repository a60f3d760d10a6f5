\set i :i + 1
begin;
insert into idempotency_key (user_id, mutation, key, hash, answer)
  values (md5('user' || :user)::uuid, 'charge', 'yardstick' || :i, '', '{}') on conflict do nothing;
select balance, seq, version from wallet where user_id = md5('user' || :user)::uuid;
update wallet set balance = 1000 + :i, seq = 1 + :i, version = :i, moved_on = current_date
  where user_id = md5('user' || :user)::uuid and version = :i - 1;
insert into entry (id, wallet_id, seq, kind, amount, balance_before, balance_after)
  values (md5('charge' || :user || 'x' || :i)::uuid, md5('user' || :user)::uuid, 1 + :i, 'CHARGE', 1, 999 + :i, 1000 + :i);
commit;
