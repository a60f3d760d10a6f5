import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeShow, pay, reserve } from '../support/builders.ts';
import { World } from '../support/world.ts';

let world: World;
let ids: { user: string; reservation: string; seat: string; held: string; show: string };
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  const show = await makeShow(await world.operator());
  const buyer = await world.buyer(10_000);
  const paid = await reserve(buyer, show.id, [show.seats[0] as string]);
  await pay(buyer, paid.id);
  await reserve(buyer, show.id, [show.seats[1] as string]);
  ids = {
    user: buyer.id,
    reservation: paid.id,
    seat: show.seats[0] as string,
    held: show.seats[1] as string,
    show: show.id,
  };
});
afterAll(() => world.close());

it.each([
  [
    'a second ticket for a seat',
    'insert into ticket (id, seat_id, reservation_id, show_id, user_id) values ($1, $2, $3, $4, $5)',
    () => [randomUUID(), ids.seat, ids.reservation, ids.show, ids.user],
    'ticket_seat_once',
  ],
  [
    'a second hold on a seat',
    "insert into hold (seat_id, reservation_id, show_id, user_id, expires_at) values ($1, $2, $3, $4, now() + interval '1 hour')",
    () => [ids.held, ids.reservation, ids.show, ids.user],
    'hold_pkey',
  ],
  [
    'a negative balance',
    'update wallet set balance = -1 where user_id = $1',
    () => [ids.user],
    'wallet_never_negative',
  ],
  [
    'a second COMPLETED payment of a reservation',
    "insert into payment (id, user_id, reservation_id, amount, status) values ($1, $2, $3, 1, 'COMPLETED')",
    () => [randomUUID(), ids.user, ids.reservation],
    'payment_once',
  ],
  [
    'a second entry of one number in a wallet',
    "insert into entry (id, wallet_id, seq, kind, amount, balance_before, balance_after) values ($1, $2, 1, 'CHARGE', 1, 0, 1)",
    () => [randomUUID(), ids.user],
    'entry_chain',
  ],
  [
    'an entry that does not add up',
    "insert into entry (id, wallet_id, seq, kind, amount, balance_before, balance_after) values ($1, $2, 99, 'CHARGE', 1, 0, 2)",
    () => [randomUUID(), ids.user],
    'entry_adds_up',
  ],
  [
    'a second cancellation of one charge',
    `with charge as (select id from entry where wallet_id = $1 and kind = 'CHARGE')
     insert into entry (id, wallet_id, seq, kind, amount, balance_before, balance_after, cancels_id)
     select gen_random_uuid(), $1, 90 + n, 'CHARGE_CANCEL', -1, 1, 0, charge.id from charge, generate_series(1, 2) n`,
    () => [ids.user],
    'entry_cancels_once',
  ],
  [
    'a second entry of one payment',
    `with paid as (select id from payment where user_id = $1)
     insert into entry (id, wallet_id, seq, kind, amount, balance_before, balance_after, payment_id)
     select gen_random_uuid(), $1, 90 + n, 'PAYMENT', -1, 1, 0, paid.id from paid, generate_series(1, 2) n`,
    () => [ids.user],
    'entry_payment_once',
  ],
  [
    'an entry of a payment for none',
    "insert into entry (id, wallet_id, seq, kind, amount, balance_before, balance_after) values ($1, $2, 99, 'PAYMENT', -1, 1, 0)",
    () => [randomUUID(), ids.user],
    'entry_of_payment',
  ],
  [
    'an entry that gives money back for no refund',
    `insert into entry (id, wallet_id, seq, kind, amount, balance_before, balance_after, payment_id)
     select gen_random_uuid(), $1, 99, 'REFUND', 1, 0, 1, id from payment where user_id = $1`,
    () => [ids.user],
    'entry_of_refund',
  ],
  [
    'two entries of one refund',
    `with refunded as (
       insert into refund (id, payment_id, seq, amount, seat_ids)
       select gen_random_uuid(), id, 1, 1, '{}' from payment where user_id = $1 returning *
     )
     insert into entry (id, wallet_id, seq, kind, amount, balance_before, balance_after, payment_id, refund_id)
     select gen_random_uuid(), $1, 90 + n, 'REFUND', 1, 0, 1, payment_id, id from refunded, generate_series(1, 2) n`,
    () => [ids.user],
    'entry_refund_once',
  ],
  [
    'two refunds of one payment at once',
    `insert into refund (id, payment_id, seq, amount, seat_ids)
     select gen_random_uuid(), id, 1, 1, '{}' from payment, generate_series(1, 2) where user_id = $1`,
    () => [ids.user],
    'refund_chain',
  ],
  [
    'more given back than was paid',
    'update payment set refunded = amount + 1 where user_id = $1',
    () => [ids.user],
    'payment_refunded_within_amount',
  ],
  [
    'a cancelled payment of which something is left',
    `update payment set status = 'CANCELLED', cancelled_at = now() where user_id = $1`,
    () => [ids.user],
    'payment_refunded_within_amount',
  ],
  [
    'a cancellation of no charge',
    "insert into entry (id, wallet_id, seq, kind, amount, balance_before, balance_after) values ($1, $2, 99, 'CHARGE_CANCEL', -1, 1, 0)",
    () => [randomUUID(), ids.user],
    'entry_cancels_charge',
  ],
  [
    'a charge that takes money away',
    "insert into entry (id, wallet_id, seq, kind, amount, balance_before, balance_after) values ($1, $2, 99, 'CHARGE', -1, 1, 0)",
    () => [randomUUID(), ids.user],
    'entry_direction',
  ],
  [
    'a CANCELLED payment without its instant',
    "update payment set status = 'CANCELLED' where user_id = $1",
    () => [ids.user],
    'payment_cancelled_at',
  ],
  [
    'a second row for an idempotency key',
    "insert into idempotency_key (user_id, mutation, key, hash) values ($1, 'pay', 'k', ''), ($1, 'pay', 'k', '')",
    () => [ids.user],
    'idempotency_key_pkey',
  ],
] as const)('PostgreSQL itself refuses %s', async (_what, text, params, constraint) => {
  await expect(world.pool.query(text, params())).rejects.toMatchObject({ constraint });
});

it.each(['update entry set amount = amount', 'delete from entry', 'truncate entry cascade'])(
  'PostgreSQL itself refuses to change entries: %s',
  async (text) => {
    await expect(world.pool.query(text)).rejects.toThrow('entries are only ever added');
  },
);
