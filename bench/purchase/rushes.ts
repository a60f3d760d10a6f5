import { Child } from '../load/child.ts';
import type { Asking } from '../load/http-load.child.ts';
import type { Load } from '../load/http-load.ts';
import type { Row } from '../load/row.ts';
import { Servers } from '../load/servers.ts';
import { newUser } from '../load/users.ts';
import { makeUsers } from './buyers.ts';
import { pgbench } from './pgbench.ts';

const CONNECTIONS = 64;
const ROUNDS = 3;
const PER_ROUND = 3_200;
const USERS = (1 + ROUNDS) * PER_ROUND;

/** What a crowd does that wants the same few rows, each user once. */
interface Rush {
  readonly promise: string;
  /** For each of `USERS` users of the yardstick, and as many of the product. */
  readonly make: (servers: Servers) => Promise<(index: number) => object>;
  readonly query: string;
  /** What an answer has that is no refusal. */
  readonly isServed: (body: string) => boolean;
  readonly yardstick: { readonly script: string; readonly clients: number };
  readonly must: number;
  readonly goal: number;
}

const PRODUCTS = 10;
const HOUR = 3_600_000;

const ORDERS: Rush = {
  promise: `placeOrder a second over HTTP, ${PRODUCTS} products`,
  query: `mutation ($product: ID!) { placeOrder(input: { lines: [{ productId: $product, quantity: 1 }], idempotencyKey: "1" }) {
    ... on Order { id } } }`,
  isServed: (body) => body.includes('"id"'),
  // One row each of ten: PostgreSQL does most of them with about so many connections.
  yardstick: { script: './order.sql', clients: 8 },
  ...{ must: 0.5, goal: 1 },

  async make(servers) {
    const query = 'mutation ($input: CreateProductInput!) { createProduct(input: $input) { id } }';
    const input = { name: 'a bench', category: 'a bench', price: 100, stock: 1_000_000 };
    const ids: string[] = [];
    for (let n = 0; n < 2 * PRODUCTS; n++) {
      ids.push((await servers.asOperator<{ createProduct: { id: string } }>(query, { input })).createProduct.id);
    }
    const others = ids.splice(PRODUCTS);
    await servers.pool.query(
      `update product set id = md5('product' || u.n - 1)::uuid from unnest($1::uuid[]) with ordinality as u (id, n)
       where product.id = u.id`,
      [others],
    );
    return (index) => ({ product: ids[index % PRODUCTS] });
  },
};

const CLAIMS: Rush = {
  promise: 'claims on one coupon a second over HTTP',
  query: 'mutation ($coupon: ID!) { claimCoupon(couponId: $coupon) { ... on IssuedCoupon { serial } } }',
  isServed: (body) => body.includes('"serial"'),
  yardstick: { script: './claim.sql', clients: 8 },
  ...{ must: 1, goal: 2 },

  async make(servers) {
    const query = 'mutation ($input: CreateCouponInput!) { createCoupon(input: $input) { id } }';
    const times = { startsAt: new Date(Date.now() - HOUR), endsAt: new Date(Date.now() + 24 * HOUR) };
    const input = { name: 'a bench', discountKind: 'FIXED', value: 1, quantity: USERS, ...times };
    const make = (): Promise<{ createCoupon: { id: string } }> => servers.asOperator(query, { input });
    const [ours, theirs] = [(await make()).createCoupon.id, (await make()).createCoupon.id];
    await servers.pool.query(`update coupon set id = md5('coupon')::uuid where id = $1`, [theirs]);
    return () => ({ coupon: ours });
  },
};

/** Orders of ten products a second over HTTP, in turns with pgbench doing the same. */
export function measureOrders(): Promise<Row[]> {
  return measureRush(ORDERS);
}

/** Claims on one coupon a second over HTTP, in turns with pgbench doing the same. */
export function measureClaims(): Promise<Row[]> {
  return measureRush(CLAIMS);
}

async function measureRush({ promise, make, query, isServed, yardstick, must, goal }: Rush): Promise<Row[]> {
  const servers = await Servers.open(1);
  const generator = new Child('./http-load.child.ts');
  try {
    const variables = await make(servers);
    for (const noun of ['user', 'buyer']) await makeUsers(servers.pool, noun, USERS);
    const { rows } = await servers.pool.query<{ id: string }>(
      `select md5('buyer' || n)::uuid as id from generate_series(1, $1::int) n`,
      [USERS],
    );
    await servers.pool.query('vacuum analyze');
    const asked = rows.map(({ id }, index) => ({
      accessToken: newUser('BUYER', id).accessToken,
      variables: variables(index),
    }));
    const serve = async (from: number): Promise<number> => {
      const each = asked.slice(from, from + PER_ROUND);
      const load = { url: servers.url, query, each, connections: CONNECTIONS, once: true } satisfies Asking;
      const { bodies, seconds } = await generator.ask<Load>(load);
      if (!bodies.every(isServed)) throw new Error(`${bodies.find((body) => !isServed(body))}`);
      return PER_ROUND / seconds;
    };
    await serve(0);
    const rates: [number, number][] = [];
    for (let from = PER_ROUND; from < USERS; from += PER_ROUND) {
      const script = { ...yardstick, each: PER_ROUND / yardstick.clients, variables: { from } };
      rates.push([await serve(from), await pgbench(servers.databaseUrl, script)]);
    }
    const [ours = 0, theirs = 1] = rates.toSorted(([a, b], [c, d]) => a / b - c / d)[Math.floor(ROUNDS / 2)] ?? [];
    return [
      {
        promise,
        yardstick: 'pgbench, prepared, same statements',
        measured: Math.round(ours).toLocaleString('en'),
        against: Math.round(theirs).toLocaleString('en'),
        ...{ ratio: ours / theirs, must, goal, unit: 'x', wanted: 'more' },
      },
    ];
  } finally {
    await Promise.all([generator.end(), servers.close()]);
  }
}
