import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeShow } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { type Plan, sentBy, stepsOf } from '../support/plans.ts';
import type { AppProcess } from '../support/process.ts';
import { untilShowsFolded } from '../support/shows.ts';
import { World } from '../support/world.ts';

const PAYMENTS = 100_000;
const USERS = 2_000;
const SHOWS = 1_000;

let world: World;
let process: AppProcess;
let operator: Buyer;
let ids: { showId: string; concertId: string; userId: string };
beforeAll(async () => {
  world = await World.open({ processes: 1, preload: './tell-statements.ts' });
  process = world.processes[0] as AppProcess;
  operator = await world.operator();
  const { concertId, id } = await makeShow(operator, { seatCount: 1 });
  await world.pool.query(
    `insert into show (id, concert_id, subtitle, venue, starts_at, duration_minutes, sales_open_at, sales_close_at, price, seat_count)
     select gen_random_uuid(), concert_id, '', venue, starts_at, 120, sales_open_at, sales_close_at, price, 1
     from show, generate_series(2, $1::int)`,
    [SHOWS],
  );
  const userIds = Array.from({ length: USERS }, () => randomUUID());
  await world.pool.query(
    `insert into user_account (id, name, role) select id, 'user ' || n, 'BUYER' from unnest($1::uuid[]) with ordinality u (id, n)`,
    [userIds],
  );
  await world.pool.query(
    `with shows as (select array_agg(id) as ids from show), numbered as (
       select n, gen_random_uuid() as reservation_id, ($2::uuid[])[1 + n % cardinality($2::uuid[])] as user_id,
         (select ids[1 + n % $3::int] from shows) as show_id
       from generate_series(1, $1::int) n
     ), reserved as (
       insert into reservation (id, user_id, show_id, seat_ids, seat_prices, status, amount, expires_at)
       select reservation_id, user_id, show_id, array[reservation_id], '{1000}',
         case when n % 500 = 0 then 'HELD' else 'CONFIRMED' end, 1000, clock_timestamp() + interval '1 hour'
       from numbered
     )
     insert into payment (id, user_id, reservation_id, amount, status, failure, created_at)
     select gen_random_uuid(), user_id, reservation_id, 1000 + n % 90,
       case when n % 500 = 0 then 'FAILED' else 'COMPLETED' end, case when n % 500 = 0 then 'INSUFFICIENT_BALANCE' end,
       clock_timestamp() - n * interval '1 second' from numbered`,
    [PAYMENTS, userIds, SHOWS],
  );
  await world.pool.query('vacuum analyze');
  ids = { showId: id, concertId, userId: userIds[0] as string };
}, 120_000);
afterAll(() => world.close());

const QUERY = `query ($filter: SalesFilter, $sort: SalesSort! = NEWEST, $after: String, $last: Int, $before: String) {
  sales(filter: $filter, sort: $sort, after: $after, last: $last, before: $before) {
    edges { node { id } } pageInfo { endCursor } } }`;

/** The plan that PostgreSQL makes of the statement that a page was answered with. */
async function planOf(variables: object): Promise<{ nodes: Plan[]; page: Data }> {
  const { sales } = await operator.get(QUERY, variables);
  return { nodes: await stepsOf(world.pool, await sentBy(process, '::text as value from payment p')), page: sales };
}

const indexesOf = (nodes: Plan[]): string[] => nodes.flatMap((node) => node['Index Name'] ?? []);
const seqScansOf = (nodes: Plan[]): string[] =>
  nodes.filter((node) => node['Node Type'] === 'Seq Scan').map((node) => node['Relation Name'] ?? '');

it.each<[string, string, (from: typeof ids) => object, string]>([
  ['NEWEST', 'everything', () => ({}), 'payment_created'],
  ['OLDEST', 'everything', () => ({}), 'payment_created'],
  ['AMOUNT_DESC', 'everything', () => ({}), 'payment_amount'],
  ['AMOUNT_ASC', 'everything', () => ({}), 'payment_amount'],
  ['NEWEST', 'COMPLETED ones', () => ({ status: 'COMPLETED' }), 'payment_created'],
  ['NEWEST', 'FAILED ones', () => ({ status: 'FAILED' }), 'payment_undone'],
  ['OLDEST', 'CANCELLED ones', () => ({ status: 'CANCELLED' }), 'payment_undone'],
  ['NEWEST', 'the last hour', () => ({ from: new Date(Date.now() - 3_600_000) }), 'payment_created'],
  ['OLDEST', 'an hour', () => ({ from: new Date(Date.now() - 3_600_000), to: new Date() }), 'payment_created'],
  ['AMOUNT_DESC', 'the last minute', () => ({ from: new Date(Date.now() - 60_000) }), 'payment_created'],
  ['NEWEST', 'a user', ({ userId }) => ({ userId }), 'payment_user'],
  ['AMOUNT_ASC', 'a user', ({ userId }) => ({ userId }), 'payment_user'],
  ['NEWEST', 'a user and a show', ({ userId, showId }) => ({ userId, showId }), 'payment_user'],
  ['NEWEST', 'a show', ({ showId }) => ({ showId }), 'reservation_show'],
  ['AMOUNT_DESC', 'a show', ({ showId }) => ({ showId }), 'reservation_show'],
  ['NEWEST', 'a show, COMPLETED ones', ({ showId }) => ({ showId, status: 'COMPLETED' }), 'reservation_show'],
  [
    'NEWEST',
    'the last minutes of a show',
    ({ showId }) => ({ showId, from: new Date(Date.now() - 300_000) }),
    'payment_created',
  ],
  ['NEWEST', 'a show, FAILED ones', ({ showId }) => ({ showId, status: 'FAILED' }), 'reservation_show'],
])(
  'a page by %s of %s is found by an index, the next one, the last one and the one before it too',
  async (sort, _what, filterOf, index) => {
    const filter = filterOf(ids);
    const first = await planOf({ sort, filter });
    const { endCursor } = first.page.pageInfo;
    const next = endCursor === null ? first : await planOf({ sort, filter, after: endCursor });
    const last = await planOf({ sort, filter, last: 20 });
    const previous = endCursor === null ? last : await planOf({ sort, filter, last: 20, before: endCursor });
    for (const { nodes } of [first, next, last, previous]) {
      expect(seqScansOf(nodes)).toEqual([]);
      expect(indexesOf(nodes)).toContain(index);
    }
  },
);

it('a page in the order of an index is walked, not sorted', async () => {
  for (const [sort, filter] of [
    ['NEWEST', {}],
    ['OLDEST', { status: 'COMPLETED' }],
    ['AMOUNT_DESC', {}],
    ['NEWEST', { status: 'FAILED' }],
  ] as const) {
    for (const page of [{}, { last: 20 }]) {
      const { nodes } = await planOf({ sort, filter, ...page });
      expect(nodes.map((node) => node['Node Type']).filter((type) => /Sort/.test(type))).toEqual([]);
    }
  }
});

it('totals of a show and of an hour read no table whole', async () => {
  const query = 'query ($filter: SalesFilter) { sales(filter: $filter) { totals { count amount refunded } } }';
  const hour = { from: new Date(Date.now() - 3_600_000) };
  for (const [filter, index, count] of [
    [{ showId: ids.showId }, 'reservation_show', PAYMENTS / SHOWS],
    [{ userId: ids.userId }, 'payment_user', PAYMENTS / USERS],
    [hour, 'payment_created', expect.any(Number)],
  ] as const) {
    const { totals } = (await operator.get(query, { filter })).sales;
    expect(totals.count).toEqual(count);
    const nodes = await stepsOf(world.pool, await sentBy(process, 'select count(*) as count'));
    expect(seqScansOf(nodes)).toEqual([]);
    expect(indexesOf(nodes)).toContain(index);
  }
});

it('users are found by the beginning of their names, the next page too', async () => {
  const users = `query ($search: String, $after: String) { users(search: $search, after: $after, first: 5) {
    edges { node { id } } pageInfo { endCursor } } }`;
  for (const search of ['USER 1', null]) {
    let after: string | null = null;
    for (let page = 0; page < 2; page++) {
      const told: Data = await operator.get(users, { search, after });
      expect(told.users.edges).toHaveLength(5);
      after = told.users.pageInfo.endCursor;
      const nodes = await stepsOf(world.pool, await sentBy(process, 'as value from user_account'));
      expect(indexesOf(nodes)).toEqual(['user_account_search']);
      expect(nodes.map((node) => node['Node Type'])).not.toContain('Sort');
    }
  }
});

it('what is not added up yet of a show is found by its time, not by the reservations of the show', async () => {
  // They were made past the product, at times up to which everything was added up already.
  await world.pool.query(`update show_minute_fold set folded_until = '-infinity'`);
  await untilShowsFolded(world.pool);
  await world.pool.query('vacuum analyze');
  const { salesHistory } = await operator.get(
    `{ salesHistory(showId: "${ids.showId}", minutes: 43200) { sold revenue failedPayments } }`,
  );
  const sold = salesHistory.reduce((sum: number, point: Data) => sum + point.sold + point.failedPayments, 0);
  expect(sold).toBe(PAYMENTS / SHOWS);
  const feed = operator.watch(`subscription { showStats(showId: "${ids.showId}") { revenue } }`);
  await feed.until(() => true);
  await feed.close();
  for (const part of ['date_bin(make_interval(mins => $3), at', 'from show s, lateral']) {
    const nodes = await stepsOf(world.pool, await sentBy(process, part));
    expect(indexesOf(nodes)).toEqual(expect.arrayContaining(['payment_created', 'show_minute_pkey']));
    expect(indexesOf(nodes)).not.toContain('reservation_show');
    expect(seqScansOf(nodes).filter((table) => ['payment', 'reservation', 'show_minute'].includes(table))).toEqual([]);
  }
}, 60_000);
