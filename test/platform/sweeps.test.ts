import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, makeShow } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import { sentBy, stepsOf } from '../support/plans.ts';
import type { AppProcess } from '../support/process.ts';
import { World } from '../support/world.ts';

const ROWS = 50_000;

let world: World;
let buyer: Buyer;
beforeAll(async () => {
  world = await World.open({ processes: 1, env: { WALLET_EXPIRY_DAYS: '30' }, preload: './tell-sweeps.ts' });
  buyer = await world.buyer();
  const show = await makeShow(await world.operator());
  for (const [text, ids] of tables(show.id)) await world.pool.query(text, [...ids, ROWS]);
  await world.pool.query('analyze');
}, 120_000);
afterAll(() => world.close());

/** Rows of which next to none is due. */
function tables(showId: string): [string, string[]][] {
  const later = `clock_timestamp() + interval '1 day'`;
  return [
    [
      `insert into reservation (id, user_id, show_id, seat_ids, seat_prices, status, amount, expires_at)
       select gen_random_uuid(), $1, $2, array[gen_random_uuid()], array[0], case n % 2 when 0 then 'HELD' else 'CONFIRMED' end, 0, ${later}
       from generate_series(1, $3::int) n`,
      [buyer.id, showId],
    ],
    [
      `insert into payment (id, user_id, reservation_id, amount, status, token_hash, token_completed_at)
       select gen_random_uuid(), $1, id, 0, 'COMPLETED', id::text, clock_timestamp() from reservation limit $2`,
      [buyer.id],
    ],
    [
      `insert into shop_order (id, user_id, status, subtotal, discount, total, pay_by)
       select gen_random_uuid(), $1, 'PLACED', 0, 0, 0, ${later} from generate_series(1, $2::int)`,
      [buyer.id],
    ],
    [
      `with made as (
         insert into user_account (id, name, role) select gen_random_uuid(), 'user ' || n, 'BUYER'
         from generate_series(1, $1::int) n returning id
       ), posted as (
         insert into entry (id, wallet_id, seq, kind, amount, balance_before, balance_after)
         select gen_random_uuid(), id, 1, 'CHARGE', 100, 0, 100 from made
       ) insert into wallet (user_id, balance, seq, moved_on) select id, 100, 1, current_date from made`,
      [],
    ],
    [
      `with made as (insert into alert_channel (id, name, kind, url) select gen_random_uuid(), '', $1, '' returning id)
       insert into alert (id, channel_id, text, status, send_at, due_at)
       select gen_random_uuid(), id, '', 'SENT', clock_timestamp(), clock_timestamp() from made, generate_series(1, $2::int)`,
      ['WEBHOOK'],
    ],
    [
      `insert into idempotency_key (user_id, mutation, key, hash) select $1, 'placeOrder', n, '' from generate_series(1, $2::int) n`,
      [buyer.id],
    ],
  ];
}

it.each([
  ['holds that have lapsed', `status = 'HELD' and expires_at <=`, 'reservation', 'reservation_expiry'],
  ['whether an order is overdue', 'order by pay_by limit 1', 'shop_order', 'shop_order_due'],
  ['wallets without movement', 'w.moved_on <=', 'wallet', 'wallet_moved_on'],
  ['tokens that are still open', 'token_completed_at is null', 'payment', 'payment_token_open'],
  ['alerts that are old', 'delete from alert where ctid', 'alert', 'alert_forgettable'],
  ['keys that are old', 'delete from idempotency_key where ctid', 'idempotency_key', 'idempotency_key_forgettable'],
])('of 50,000 rows %s are found by an index, in its order', async (_what, part, table, index) => {
  await expectIndexed(part, table, index);
});

async function expectIndexed(part: string, table: string, index: string): Promise<void> {
  const steps = await stepsOf(world.pool, await sentBy(world.processes[0] as AppProcess, part));
  expect(steps.filter((step) => step['Node Type'] === 'Seq Scan' && step['Relation Name'] === table)).toEqual([]);
  expect(steps.filter((step) => step['Index Name'] === index).map((step) => step['Index Cond'])).toEqual([
    expect.stringMatching(/<=? /),
  ]);
  expect(steps.map((step) => step['Node Type']).filter((type) => /Sort/.test(type))).toEqual([]);
}

it('of 50,000 orders those that are overdue are found by an index, and cancelled', async () => {
  const { rows } = await world.pool.query(
    `update shop_order set pay_by = clock_timestamp() where id in (select id from shop_order limit 250) returning id`,
  );
  const cancelled = `select from shop_order where status = 'CANCELLED'`;
  await eventually(async () => (await world.pool.query(cancelled)).rowCount === rows.length);
  await expectIndexed('order by pay_by limit $1', 'shop_order', 'shop_order_due');
});

it('keys are forgotten after 24 hours, however many there are; never a younger one, nor one under which money moved', async () => {
  const old = `insert into idempotency_key (user_id, mutation, key, hash, created_at)
    select $1, mutation, 'old ' || n, '', clock_timestamp() - make_interval(hours => hours)
    from generate_series(1, 2500) n
    cross join (values ('reserveBest', 25), ('placeOrder', 23), ('charge', 25), ('cancelCharge', 25), ('pay', 25),
      ('chargeWallet', 25), ('adjustWallet', 25)) as m (mutation, hours)`;
  await world.pool.query(old, [buyer.id]);
  await eventually(async () => {
    const { rows } = await world.pool.query(`select from idempotency_key where mutation = 'reserveBest'`);
    return rows.length === 0;
  });
  const { rows } = await world.pool.query(
    'select mutation, count(*)::int as n from idempotency_key group by mutation order by mutation',
  );
  const kept = ['adjustWallet', 'cancelCharge', 'charge', 'chargeWallet', 'pay'].map((mutation) => ({
    mutation,
    n: 2500,
  }));
  expect(rows).toEqual([...kept, { mutation: 'placeOrder', n: ROWS + 2500 }]);
});

it('alerts that ended are forgotten 30 days after they were to be sent, however many there are; never others', async () => {
  await world.pool.query(
    `insert into alert (id, channel_id, text, status, send_at, due_at)
     select gen_random_uuid(), (select id from alert_channel), name, status, at, clock_timestamp() + interval '1 day'
     from generate_series(1, 1500), (values ('old', 'SENT', 31), ('old', 'FAILED', 31), ('younger', 'FAILED', 29), ('waiting', 'SCHEDULED', 31))
       as a (name, status, days), lateral (select clock_timestamp() - make_interval(days => days) as at)`,
  );
  await world.pool.query(
    `insert into raised_alert select name, clock_timestamp() - make_interval(days => days)
     from (values ('old', 31), ('younger', 29)) as r (name, days)`,
  );
  await eventually(async () => (await world.pool.query(`select from alert where text = 'old'`)).rowCount === 0);
  const { rows } = await world.pool.query('select text, count(*)::int as n from alert group by text order by text');
  expect(rows).toEqual([
    { text: '', n: ROWS },
    { text: 'waiting', n: 1500 },
    { text: 'younger', n: 1500 },
  ]);
  expect((await world.pool.query('select name from raised_alert')).rows).toEqual([{ name: 'younger' }]);
});
