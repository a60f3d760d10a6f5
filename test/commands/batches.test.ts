import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { charge, makeShow, reserve } from '../support/builders.ts';
import type { Answer, Buyer, Data } from '../support/client.ts';
import { makeCoupon, makeProduct, placeOrder } from '../support/shop.ts';
import { whileLocked } from '../support/while-locked.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

const CHARGE = `mutation ($input: ChargeInput!) { charge(input: $input) { __typename ... on Problem { code } } }`;
const chargeOnce = (buyer: Buyer, amount = 1): Promise<Answer> =>
  buyer.ask(CHARGE, { input: { amount, idempotencyKey: randomUUID() } });
const codeOf = ({ errors }: Answer): string | undefined => errors?.[0]?.extensions.code;

/** How long each answer takes, in milliseconds. */
async function timed<T>(asks: readonly (() => Promise<T>)[]): Promise<{ answers: T[]; ms: number }> {
  const began = performance.now();
  const answers = await Promise.all(asks.map((ask) => ask()));
  return { answers, ms: performance.now() - began };
}

it('batches that want the same rows in reversed orders never lock each other out, 200 times over two processes', async () => {
  const products = await Promise.all([1, 2, 3].map(() => makeProduct(operator, { stock: 10_000 })));
  const show = await makeShow(operator, { seatCount: 1_200 });
  const buyers = await world.buyers(800, 10_000);
  const crossOnce = async (round: number): Promise<void> => {
    const seats = show.seats.slice(round * 6, round * 6 + 6);
    const answers = await Promise.all(
      buyers.slice(round * 4, round * 4 + 4).flatMap((buyer, index) => {
        const isReversed = index % 2 === 1;
        const at = buyer.at(world.urls[index % 2] as string);
        const [ids, wanted] = isReversed ? [products.toReversed(), seats.toReversed()] : [products, seats];
        return [placeOrder(at, Object.fromEntries(ids.map((id) => [id, 1]))), reserve(at, show.id, wanted)];
      }),
    );
    const types = answers.map(({ __typename }) => __typename);
    expect(types.filter((type) => type === 'Order')).toHaveLength(4);
    expect(types.filter((type) => type === 'Reservation')).toHaveLength(1);
  };
  for (let round = 0; round < 200; round += 10) {
    await Promise.all(Array.from({ length: 10 }, (_, index) => crossOnce(round + index)));
  }
  // World.close counts deadlocks, and fails when there was one.
});

it('a wallet that somebody has locked delays nobody who does not want it', async () => {
  const buyers = (await world.buyers(64)).map((buyer) => buyer.at(world.urls[0] as string).hasty());
  const [locked, ...others] = buyers as [Buyer, ...Buyer[]];
  const quiet = await timed(others.map((buyer) => () => chargeOnce(buyer)));
  const lock = { text: 'select from wallet where user_id = $1 for update', values: [locked.id] };
  const held = await whileLocked(world.pool, lock, async () => {
    const waiting = chargeOnce(locked);
    await sleep(5);
    const others64 = await timed(others.map((buyer) => () => chargeOnce(buyer)));
    return { ...others64, waiting: await waiting };
  });
  expect(held.answers.map(({ data }) => data?.charge.__typename)).toEqual(others.map(() => 'LedgerEntry'));
  expect(codeOf(held.waiting)).toBe('SERVICE_UNAVAILABLE');
  expect(held.ms - quiet.ms).toBeLessThan(3 * 300);
  const { rowCount } = await world.pool.query('select from entry where wallet_id = $1', [locked.id]);
  expect(rowCount, 'nothing was charged for whoever was told that it did not work').toBe(0);
});

it('64 who want a seat that stays locked are all answered within a request’s time, and none of them holds anything', async () => {
  const show = await makeShow(operator, { seatCount: 100 });
  const buyers = (await world.buyers(64)).map((buyer) => buyer.hasty());
  const query = 'mutation ($input: ReserveInput!) { reserve(input: $input) { __typename } }';
  const input = { showId: show.id, seatIds: [show.seats[0]] };
  const lock = { text: 'select from seat where id = $1 for update', values: [show.seats[0]] };
  const { answers, ms } = await whileLocked(world.pool, lock, () =>
    timed(buyers.map((buyer) => () => buyer.ask(query, { input }))),
  );
  expect(new Set(answers.map(codeOf))).toEqual(new Set(['SERVICE_UNAVAILABLE']));
  expect(ms).toBeLessThan(3 * 3_000);
  expect((await world.pool.query('select from hold where show_id = $1', [show.id])).rowCount).toBe(0);
});

it('a show that stays locked holds up nobody who buys of another show, and is bought of as soon as it is free', async () => {
  const [locked, other] = await Promise.all([
    makeShow(operator, { seatCount: 100 }),
    makeShow(operator, { seatCount: 100 }),
  ]);
  const buyers = await world.buyers(80);
  const url = world.urls[0] as string;
  const take = async (show: typeof other, index: number): Promise<Data> =>
    reserve((buyers[index] as Buyer).at(url), show.id, [show.seats[index] as string]);
  const lock = { text: 'select pg_advisory_xact_lock(hashtextextended($1, 0))', values: [`show:${locked.id}`] };
  const waiting: Promise<Data>[] = [];
  const { answers, ms } = await whileLocked(world.pool, lock, async () => {
    const jobs: (() => Promise<Data>)[] = [];
    for (let index = 0; index < 40; index++) {
      waiting.push(take(locked, index));
      jobs.push(async () => {
        await sleep(20 * index);
        return take(other, 40 + index);
      });
    }
    return timed(jobs);
  });
  expect(answers.map(({ status }) => status)).toEqual(Array(40).fill('HELD'));
  expect(ms).toBeLessThan(3 * 1_000);
  const held = await Promise.all(waiting);
  expect(held.map(({ status }) => status)).toEqual(Array(40).fill('HELD'));
});

it('a command that fails in a batch of 64 costs the others nothing', async () => {
  const buyers = (await world.buyers(64)).map((buyer) => buyer.at(world.urls[0] as string));
  const cursed = buyers[20] as Buyer;
  await world.pool.query(
    `create function refuse_entry() returns trigger language plpgsql as $$ begin raise 'cursed'; end $$`,
  );
  await world.pool.query(
    `create trigger refuse_entry before insert on entry for each row
     when (new.wallet_id = '${cursed.id}') execute function refuse_entry()`,
  );
  const answers = await Promise.all(buyers.map((buyer) => chargeOnce(buyer)));
  await world.pool.query('drop trigger refuse_entry on entry');
  const expected = buyers.map((buyer) => (buyer === cursed ? 'INTERNAL_SERVER_ERROR' : undefined));
  expect(answers.map(codeOf)).toEqual(expected);
  const { rows } = await world.pool.query(
    'select count(*)::int as entries, sum(balance)::int as sum from wallet join entry on wallet_id = user_id where user_id = any($1)',
    [buyers.map(({ id }) => id)],
  );
  expect(rows).toEqual([{ entries: 63, sum: 63 }]);
});

/** Sends requests one behind the other on one connection, without waiting for answers: they arrive in that order. */
async function pipeline(requests: readonly { buyer: Buyer; query: string; variables: object }[]): Promise<void> {
  const url = new URL(requests[0]?.buyer.url ?? '');
  const socket = connect(Number(url.port), url.hostname);
  let received = '';
  socket.on('data', (chunk: Buffer) => {
    received += chunk;
  });
  for (const { buyer, query, variables } of requests) {
    const body = JSON.stringify({ query, variables });
    socket.write(
      `POST ${url.pathname} HTTP/1.1\r\nhost: ${url.host}\r\ncontent-type: application/json\r\n` +
        `authorization: Bearer ${buyer.accessToken}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  }
  const count = (): number => received.split('HTTP/1.1 200').length - 1;
  for (let waited = 0; count() < requests.length && waited < 20_000; waited += 20) await sleep(20);
  socket.destroy();
  expect(count()).toBe(requests.length);
}

it('what one wallet is asked is done in the order of arrival', async () => {
  const buyer = (await world.buyer()).at(world.urls[0] as string);
  await charge(buyer, 1);
  const amounts = Array.from({ length: 100 }, (_, index) => index + 2);
  await pipeline(
    amounts.map((amount) => ({
      buyer,
      query: CHARGE,
      variables: { input: { amount, idempotencyKey: `in order ${amount}` } },
    })),
  );
  const text = 'select amount::int from entry where wallet_id = $1 order by seq';
  const { rows } = await world.pool.query<{ amount: number }>(text, [buyer.id]);
  expect(rows.map(({ amount }) => amount)).toEqual([1, ...amounts]);
});

it('coupons are numbered in the order of arrival', async () => {
  const coupon = await makeCoupon(operator, { quantity: 100 });
  const buyers = (await world.buyers(100)).map((buyer) => buyer.at(world.urls[0] as string));
  // Access tokens that the process knows are not verified again, which would mix up the order.
  await Promise.all(buyers.map((buyer) => buyer.get('{ me { id } }')));
  const query = 'mutation ($id: ID!) { claimCoupon(couponId: $id) { __typename } }';
  await pipeline(buyers.map((buyer) => ({ buyer, query, variables: { id: coupon } })));
  const text = 'select user_id as id from issued_coupon where coupon_id = $1 order by serial';
  const { rows } = await world.pool.query<{ id: string }>(text, [coupon]);
  expect(rows.map(({ id }) => id)).toEqual(buyers.map(({ id }) => id));
});
