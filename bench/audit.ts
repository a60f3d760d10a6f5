import pg from 'pg';
import { built, withServers } from './product.ts';

const WALLETS = 20_000;
const ENTRIES_EACH = 50;
const SHOWS = 100;
const SEATS = 1_000;
const MAX_MS = 60_000;

/** Counts a million entries and a hundred thousand seats again, and says how long it took. */
export async function benchAudit(): Promise<void> {
  const { runChecks } = await built<typeof import('../src/audit/run-checks.ts')>('audit/run-checks');
  await withServers(async ({ databaseUrl }) => {
    await fill(databaseUrl);
    const began = performance.now();
    const { ok, checks } = await runChecks(databaseUrl, MAX_MS);
    const seconds = (performance.now() - began) / 1_000;
    for (const { name, checked, violations } of checks) say(`${name}: ${checked} checked, ${violations} violations`);
    say(`${WALLETS * ENTRIES_EACH} entries counted again in ${seconds.toFixed(1)} s, ${ok ? 'clean' : 'NOT CLEAN'}`);
  });
}

/** Wallets with charges, and shows whose first half is sold for money from them. */
async function fill(databaseUrl: string): Promise<void> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  const steps: [string, number[]][] = [
    [
      `with made as (
         insert into user_account (id, name, role) select gen_random_uuid(), 'user ' || n, 'BUYER'
         from generate_series(1, $1::int) n returning id
       ) insert into wallet (user_id, balance, seq) select id, 0, 0 from made`,
      [WALLETS],
    ],
    [
      `insert into entry (id, wallet_id, seq, kind, amount, balance_before, balance_after)
       select gen_random_uuid(), user_id, n, 'CHARGE', 100, (n - 1) * 100, n * 100
       from generate_series(1, $1::int - 3) n cross join wallet`,
      [ENTRIES_EACH],
    ],
    [
      `with c as (insert into concert (id, title, description, slug) values (gen_random_uuid(), 'a concert', '', gen_random_uuid()) returning id)
       insert into show (id, concert_id, subtitle, venue, starts_at, duration_minutes, sales_open_at, sales_close_at, price, seat_count)
       select gen_random_uuid(), c.id, '', 'a hall', now(), 60, now() - interval '1 day', now(), 100, $2::int
       from c cross join generate_series(1, $1::int)`,
      [SHOWS, SEATS],
    ],
    [
      `insert into seat (id, show_id, number, label, section, row_index, column_index, row_length, price)
       select gen_random_uuid(), show.id, n, 'A' || n, '', 0, n, $1::int, 100 from show cross join generate_series(1, $1::int) n`,
      [SEATS],
    ],
  ];
  for (const [text, values] of steps) await client.query(text, values);
  for (const text of SELL) await client.query(text);
  await client.end();
}

/** Every wallet pays for two seats and gives the second back; seats and wallets meet by their place in line. */
const SELL = [
  `create temp table sale as
     select gen_random_uuid() as reservation_id, gen_random_uuid() as payment_id, s.id as seat_id, s.show_id, w.user_id,
       s.turn
     from (select *, (row_number() over (order by id) - 1) / ${WALLETS} as turn,
             (row_number() over (order by id) - 1) % ${WALLETS} as place from seat) s
     join (select user_id, row_number() over (order by user_id) - 1 as place from wallet) w using (place)
     where s.turn < 2`,
  `insert into reservation (id, user_id, show_id, seat_ids, seat_prices, status, amount, expires_at)
     select reservation_id, user_id, show_id, array[seat_id], array[100], case turn when 1 then 'CANCELLED' else 'CONFIRMED' end, 100, now()
     from sale`,
  `insert into payment (id, user_id, reservation_id, amount, status, cancelled_at)
     select payment_id, user_id, reservation_id, 100, case turn when 1 then 'CANCELLED' else 'COMPLETED' end,
       case turn when 1 then now() end from sale`,
  `insert into ticket (id, seat_id, reservation_id, show_id, user_id)
     select gen_random_uuid(), seat_id, reservation_id, show_id, user_id from sale where turn = 0`,
  `insert into entry (id, wallet_id, seq, kind, amount, balance_before, balance_after, payment_id)
     select gen_random_uuid(), user_id, ${ENTRIES_EACH} - 2 + step, kind, amount, ${(ENTRIES_EACH - 3) * 100} + before,
       ${(ENTRIES_EACH - 3) * 100} + before + amount, payment_id
     from sale join (values (0, 0, 'PAYMENT', -100, 0), (1, 1, 'PAYMENT', -100, -100), (1, 2, 'REFUND', 100, -200))
       as m (turn, step, kind, amount, before) using (turn)`,
  `update wallet set seq = ${ENTRIES_EACH}, balance = ${(ENTRIES_EACH - 4) * 100}, moved_on = current_date`,
  'analyze',
];

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
