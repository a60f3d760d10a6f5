import { Child } from '../load/child.ts';
import type { Asking } from '../load/http-load.child.ts';
import type { Load } from '../load/http-load.ts';
import type { Row } from '../load/row.ts';
import { Servers } from '../load/servers.ts';
import { type FullHouse, makeHouses } from './buyers.ts';
import { pgbench } from './pgbench.ts';

const CONNECTIONS = 64;
/** Connections with which PostgreSQL does most of each, as design/STACK.md measured. */
const CLIENTS = { reserve: 32, pay: 8 } as const;
const ROUNDS = 3;
const PER_ROUND = 3_200;
const WARM = 3_200;

const RESERVE = `mutation ($show: ID!, $seat: ID!) { reserve(input: { showId: $show, seatIds: [$seat] }) {
  ... on Reservation { id } } }`;
const PAY = `mutation ($id: ID!, $key: ID!) { pay(input: { reservationId: $id, idempotencyKey: $key }) {
  ... on Payment { id status } } }`;

/** Seats held and paid for a second over HTTP, by people who each want one, in turns with pgbench doing the same. */
export async function measurePurchases(): Promise<Row[]> {
  const servers = await Servers.open(1);
  const generator = new Child('./http-load.child.ts');
  try {
    const house = await makeHouses(servers, WARM + ROUNDS * PER_ROUND);
    const rates = { reserve: [] as number[][], pay: [] as number[][] };
    await buy(generator, servers.url, house, 0, WARM);
    for (let round = 0; round < ROUNDS; round++) {
      const from = WARM + round * PER_ROUND;
      const [reserved, paid] = await buy(generator, servers.url, house, from, PER_ROUND);
      rates.reserve.push([reserved, await yardstick(servers, 'reserve', from)]);
      rates.pay.push([paid, await yardstick(servers, 'pay', from)]);
    }
    await checkSold(servers, WARM + 2 * ROUNDS * PER_ROUND);
    return [rowOf('reserve', rates.reserve, 0.7), rowOf('pay', rates.pay, 0.6)];
  } finally {
    await Promise.all([generator.end(), servers.close()]);
  }
}

/** Holds and pays for `count` seats. @returns how many a second of each */
export async function buy(
  generator: Child,
  url: string,
  { showId, buyers }: FullHouse,
  from: number,
  count: number,
): Promise<[number, number]> {
  const some = buyers.slice(from, from + count);
  const askAll = async (query: string, variables: (index: number) => object): Promise<Load> => {
    const each = some.map(({ accessToken }, index) => ({ accessToken, variables: variables(index) }));
    return generator.ask<Load>({ url, query, each, connections: CONNECTIONS, once: true } satisfies Asking);
  };
  const reserved = await askAll(RESERVE, (index) => ({ show: showId, seat: some[index]?.seatId }));
  const ids = reserved.bodies.map(
    (body) => (JSON.parse(body) as { data: { reserve: { id: string } } }).data.reserve.id,
  );
  const paid = await askAll(PAY, (index) => ({ id: ids[index], key: 'the only one' }));
  if (paid.bodies.some((body) => !body.includes('COMPLETED'))) throw new Error('something was not paid for');
  return [count / reserved.seconds, count / paid.seconds];
}

function yardstick({ databaseUrl }: Servers, verb: keyof typeof CLIENTS, from: number): Promise<number> {
  const each = PER_ROUND / CLIENTS[verb];
  return pgbench(databaseUrl, { script: `./${verb}.sql`, clients: CLIENTS[verb], each, variables: { from } });
}

/** @throws Error unless the product and the yardstick have sold so many seats */
async function checkSold({ pool }: Servers, wanted: number): Promise<void> {
  const { rows } = await pool.query<{ sold: number }>('select count(*)::int as sold from ticket');
  if (rows[0]?.sold !== wanted) throw new Error(`${rows[0]?.sold} seats were sold, not ${wanted}`);
}

function rowOf(verb: string, rates: readonly number[][], must: number): Row {
  const [ours = 0, theirs = 1] = rates.toSorted(([a = 0, b = 1], [c = 0, d = 1]) => a / b - c / d)[1] ?? [];
  return {
    promise: `${verb} a second over HTTP`,
    yardstick: 'pgbench, prepared, same statements',
    measured: Math.round(ours).toLocaleString('en'),
    against: Math.round(theirs).toLocaleString('en'),
    ...{ ratio: ours / theirs, must, goal: 1, unit: 'x', wanted: 'more' },
  };
}
