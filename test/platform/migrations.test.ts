import { randomBytes, randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { MIGRATIONS } from '../../migrations/list.ts';
import { openLog } from '../../src/platform/log.ts';
import { migrate, openPostgres } from '../../src/platform/postgres.ts';
import { charge, violationsOf } from '../support/builders.ts';
import { Buyer } from '../support/client.ts';
import { databaseAt } from '../support/database.ts';
import { chainOf } from '../support/ledger.ts';
import { type AppProcess, startProcess } from '../support/process.ts';
import { TestRedis } from '../support/redis-server.ts';
import { AUTH_SECRET, signToken } from '../support/world.ts';

/** The last migration of the version before a wallet's entries were counted apart from its version. */
const BEFORE = MIGRATIONS.findIndex(({ name }) => name === '0011-versions-of-their-own');
const NAME = `test_${randomBytes(6).toString('hex')}`;

const LATER_CONCERT = randomUUID();
const COUPON = randomUUID();

let server: pg.Client;
let pool: pg.Pool;
let redis: TestRedis;
let started: AppProcess;
const url = (): string => databaseAt(inject('postgresUrl'), NAME);

async function migrateTo(count: number): Promise<void> {
  const orm = await openPostgres(url(), [], MIGRATIONS.slice(0, count), openLog('warn'));
  await migrate(orm);
  await orm.close();
}

/** Four users of one show as the version before would have left them: who holds, whose hold lapsed, who bought, who was refunded. */
async function fill(ids: Record<'holder' | 'late' | 'owner' | 'refunded', string>): Promise<void> {
  const users = Object.values(ids);
  const [concert, show] = [randomUUID(), randomUUID()];
  const seats = users.map(() => randomUUID());
  const reservations = users.map(() => randomUUID());
  const payments = [randomUUID(), randomUUID()];
  const run = (text: string, values: unknown[]): Promise<unknown> => pool.query(text, values);
  await run(`insert into user_account (id, name, role) select id, id::text, 'BUYER' from unnest($1::uuid[]) id`, [
    users,
  ]);
  await run(
    `insert into concert (id, title, description, created_at)
     values ($1, '아이유 콘서트: 밤!', '', now()), ($2, '아이유 콘서트, 밤', '', now() + interval '1 second'), ($3, '***', '', now())`,
    [concert, LATER_CONCERT, randomUUID()],
  );
  await run(
    `with made as (
       insert into coupon (id, name, discount_kind, value, minimum_subtotal, quantity, issued, starts_at, ends_at)
       values ($1, 'a coupon', 'FIXED', 1, 0, 5, 1, now(), now() + interval '1 day') returning id
     ) insert into issued_coupon (id, coupon_id, quantity, user_id, serial) select gen_random_uuid(), id, 5, $2, 1 from made`,
    [COUPON, users[0]],
  );
  await run(
    `insert into show (id, concert_id, subtitle, venue, starts_at, duration_minutes, sales_open_at, sales_close_at, price, seat_count)
     values ($1, $2, '', 'a hall', now() + interval '1 day', 120, now() - interval '1 hour', now() + interval '1 hour', 1000, 4)`,
    [show, concert],
  );
  await run(
    `insert into seat (id, show_id, number, label, section, row_index, column_index, row_length, price, revision)
     select id, $2, n, 'A' || n, '', 0, n, 4, 1000, 3 from unnest($1::uuid[]) with ordinality as u (id, n)`,
    [seats, show],
  );
  await run(
    `insert into reservation (id, user_id, show_id, seat_ids, status, amount, expires_at)
     select id, user_id, $4, array[seat], status, 1000, now() + case when n = 2 then -1 else 1 end * interval '5 minutes'
     from unnest($1::uuid[], $2::uuid[], $3::uuid[], array['HELD', 'HELD', 'CONFIRMED', 'CANCELLED'])
       with ordinality as u (id, user_id, seat, status, n)`,
    [reservations, users, seats, show],
  );
  await run(
    `insert into hold (seat_id, reservation_id, show_id, user_id, expires_at)
     select seat_ids[1], id, show_id, user_id, expires_at from reservation where status = 'HELD'`,
    [],
  );
  await run(
    `insert into ticket (id, seat_id, reservation_id, show_id, user_id)
     select gen_random_uuid(), seat_ids[1], id, show_id, user_id from reservation where status = 'CONFIRMED'`,
    [],
  );
  await run(
    `insert into payment (id, user_id, reservation_id, amount, status, cancelled_at)
     select u.id, r.user_id, r.id, 1000, u.status, case when u.status = 'CANCELLED' then now() end
     from unnest($1::uuid[], array['COMPLETED', 'CANCELLED'], $2::uuid[]) as u (id, status, reservation)
       join reservation r on r.id = u.reservation`,
    [payments, reservations.slice(2)],
  );
  const post = async (user: string, entries: [kind: string, amount: number, payment?: string][]): Promise<void> => {
    await run('insert into wallet (user_id) values ($1)', [user]);
    let balance = 0;
    for (const [index, [kind, amount, payment]] of entries.entries()) {
      await run(
        `insert into entry (id, wallet_id, seq, kind, amount, balance_before, balance_after, payment_id)
         values (gen_random_uuid(), $1, $2, $3, $4, $5, $6, $7)`,
        [user, index + 1, kind, amount, balance, balance + amount, payment ?? null],
      );
      balance += amount;
    }
    await run('update wallet set balance = $2, version = $3 where user_id = $1', [user, balance, entries.length]);
  };
  await post(ids.holder, [['CHARGE', 5_000]]);
  await post(ids.late, []);
  await post(ids.owner, [
    ['CHARGE', 2_000],
    ['PAYMENT', -1_000, payments[0]],
  ]);
  await post(ids.refunded, [
    ['CHARGE', 2_000],
    ['PAYMENT', -1_000, payments[1]],
    ['REFUND', 1_000, payments[1]],
  ]);
}

const ids = { holder: randomUUID(), late: randomUUID(), owner: randomUUID(), refunded: randomUUID() };
const buyer = async (id: string, role = 'BUYER'): Promise<Buyer> =>
  new Buyer(id, await signToken(id, role), started.url);

beforeAll(async () => {
  server = new pg.Client(inject('postgresUrl'));
  await server.connect();
  await server.query(`create database ${NAME} template template0`);
  await migrateTo(BEFORE);
  pool = new pg.Pool({ connectionString: url(), max: 4 });
  // Connections that `end` has not closed yet are closed by the server with the database.
  pool.on('error', () => undefined);
  await fill(ids);
  await migrateTo(MIGRATIONS.length);
  redis = await TestRedis.open();
  started = await startProcess({
    ...{ DATABASE_URL: url(), REDIS_URL: redis.url, AUTH_SECRET, DEMO_DATA: 'off' },
    ...{ OPERATOR_NAME: 'operator', OPERATOR_PASSWORD: 'operator-password', WALLET_EXPIRY_DAYS: '1' },
  });
});
afterAll(async () => {
  await started?.stop();
  await redis?.close();
  await pool?.end();
  await server.query(`drop database if exists ${NAME} with (force)`);
  await server.end();
});

it('wallets of the version before go on with the number of their last entry, whatever became of their owners’ seats', async () => {
  const { rows } = await pool.query<{ id: string; seq: number }>('select user_id as id, seq from wallet');
  const seqs = new Map(rows.map(({ id, seq }) => [id, seq]));
  expect([ids.holder, ids.late, ids.owner, ids.refunded].map((id) => seqs.get(id))).toEqual([1, 0, 2, 3]);
  for (const id of Object.values(ids)) await charge(await buyer(id), 10);
  const chains = await Promise.all(Object.values(ids).map((id) => chainOf(pool, id)));
  expect(chains.map(({ entries }) => entries)).toEqual([2, 1, 3, 4]);
  expect(chains.every(({ unbroken }) => unbroken)).toBe(true);
});

it('reservations of the version before are what they were', async () => {
  const query = '{ reservations { edges { node { status seats { status } } } } }';
  const told = await Promise.all(Object.values(ids).map(async (id) => (await buyer(id)).get(query)));
  const statuses = told.map(({ reservations }) => {
    const [{ node }] = reservations.edges;
    return [node.status, node.seats[0].status];
  });
  expect(statuses).toEqual([
    ['HELD', 'HELD'],
    ['EXPIRED', 'AVAILABLE'],
    ['CONFIRMED', 'SOLD'],
    ['CANCELLED', 'AVAILABLE'],
  ]);
});

it('concerts of the version before have slugs from their titles, no two the same', async () => {
  const { rows } = await pool.query<{ slug: string }>('select slug from concert order by created_at, slug');
  expect(rows.map(({ slug }) => slug).sort()).toEqual([
    'concert',
    '아이유-콘서트-밤',
    `아이유-콘서트-밤-${LATER_CONCERT}`,
  ]);
});

it('a coupon of the version before can be given more, and those in hands stay what they were', async () => {
  await pool.query('update coupon set quantity = 6 where id = $1', [COUPON]);
  const issue = `insert into issued_coupon (id, coupon_id, quantity, user_id, serial)
    values (gen_random_uuid(), $1, $2, $3, $4)`;
  await expect(pool.query(issue, [COUPON, 7, ids.owner, 2])).rejects.toThrow(/foreign key/);
  await pool.query(issue, [COUPON, 6, ids.owner, 2]);
  await pool.query('update coupon set issued = 2 where id = $1', [COUPON]);
  const { rows } = await pool.query('select quantity, serial from issued_coupon where coupon_id = $1 order by serial', [
    COUPON,
  ]);
  expect(rows).toEqual([
    { quantity: 5, serial: 1 },
    { quantity: 6, serial: 2 },
  ]);
});

it('the audit finds nothing wrong with them', async () => {
  const { rows } = await pool.query<{ id: string }>(`select id from user_account where role = 'OPERATOR'`);
  expect(await violationsOf(await buyer(rows[0]?.id ?? '', 'OPERATOR'))).toEqual({});
});
