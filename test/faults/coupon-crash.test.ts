import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, violationsOf } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { claim, makeCoupon } from '../support/shop.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

const at = (buyer: Buyer, index: number): Buyer => buyer.at(world.urls[index % 2] as string);

/** Lets the leases of all serials that were handed out and not confirmed be over. */
async function endLeases(coupon: string): Promise<string[]> {
  const serials = await world.redis.zrange(`{c:${coupon}}:pending`, 0, -1);
  for (const serial of serials) await world.redis.zadd(`{c:${coupon}}:pending`, 1, serial);
  return serials;
}

async function issuedBy(answers: Data[]): Promise<number[]> {
  return answers.flatMap(({ serial }) => serial ?? []).sort((a, b) => a - b);
}

/** A claim of `doomed` in a process that is killed after Redis has let the claim in, before its rows are written. */
async function dieClaiming(doomed: Buyer, coupon: string): Promise<void> {
  const dying = await world.startProcess({}, './die-before-confirming.ts');
  await expect(claim(doomed.at(dying.url), coupon)).rejects.toThrow();
  await eventually(() => dying.child.signalCode === 'SIGKILL');
}

it('after a process was killed between Redis and PostgreSQL the next to ask gets its serial, and none is left out', async () => {
  const coupon = await makeCoupon(operator, { quantity: 3 });
  const [doomed, second, third, fourth] = (await world.buyers(4)) as [Buyer, Buyer, Buyer, Buyer];
  await dieClaiming(doomed, coupon);
  expect((await claim(at(second, 0), coupon)).serial).toBe(1);
  expect((await claim(at(third, 1), coupon)).serial).toBe(2);
  expect(await violationsOf(operator)).toEqual({});
  expect(await endLeases(coupon)).toEqual(['3']);
  expect((await claim(at(fourth, 0), coupon)).serial).toBe(3);
  expect(await claim(at(doomed, 0), coupon)).toMatchObject({ __typename: 'Refusal', code: 'COUPON_SOLD_OUT' });
  expect(await violationsOf(operator)).toEqual({});
});

it('whoever asks again after such a crash is still among the first, within the lease, though others overtook', async () => {
  const coupon = await makeCoupon(operator, { quantity: 2 });
  const [doomed, other, late] = (await world.buyers(3)) as [Buyer, Buyer, Buyer];
  await dieClaiming(doomed, coupon);
  expect((await claim(at(other, 0), coupon)).serial).toBe(1);
  expect(await claim(at(late, 0), coupon)).toMatchObject({ code: 'COUPON_SOLD_OUT' });
  expect((await claim(at(doomed, 1), coupon)).serial).toBe(2);
  expect(await endLeases(coupon)).toEqual([]);
  expect(await claim(at(late, 1), coupon)).toMatchObject({ code: 'COUPON_SOLD_OUT' });
  expect(await violationsOf(operator)).toEqual({});
});

it('the last serial, on its lease after a crash, is refused for now and given out later', async () => {
  const coupon = await makeCoupon(operator, { quantity: 1 });
  const [doomed, other] = (await world.buyers(2)) as [Buyer, Buyer];
  await dieClaiming(doomed, coupon);
  expect(await claim(at(other, 0), coupon)).toMatchObject({ code: 'COUPON_SOLD_OUT' });
  await endLeases(coupon);
  expect((await claim(at(other, 1), coupon)).serial).toBe(1);
});

it('Redis emptied in the middle of a storm, again and again: still exactly as many as there are, one each', async () => {
  const coupon = await makeCoupon(operator, { quantity: 300 });
  const buyers = await world.buyers(1_000);
  const answers: Data[] = [];
  const all = buyers.flatMap((buyer, index) => [at(buyer, index), at(buyer, index + 1)]);
  const worker = async (): Promise<void> => {
    for (let buyer = all.pop(); buyer; buyer = all.pop()) {
      answers.push(await claim(buyer, coupon));
      if (all.length % 100 === 0) await world.redis.flushall();
    }
  };
  await Promise.all(Array.from({ length: 100 }, worker));
  expect(await issuedBy(answers)).toEqual(Array.from({ length: 300 }, (_, index) => index + 1));
  const { rows } = await world.pool.query(
    'select count(*)::int as n, count(distinct user_id)::int as users from issued_coupon where coupon_id = $1',
    [coupon],
  );
  expect(rows).toEqual([{ n: 300, users: 300 }]);
  expect(await violationsOf(operator)).toEqual({});
});

it('who comes when all are issued is refused by Redis alone: a locked row holds up nobody', async () => {
  const coupon = await makeCoupon(operator, { quantity: 2 });
  const buyers = await world.buyers(12);
  for (const [index, buyer] of buyers.slice(0, 2).entries()) await claim(at(buyer, index), coupon);
  const client = await world.pool.connect();
  try {
    await client.query('begin');
    await client.query('select from coupon where id = $1 for update', [coupon]);
    const answers = await Promise.all(buyers.slice(2).map((buyer, index) => claim(at(buyer, index), coupon)));
    expect(answers.map(({ code }) => code)).toEqual(Array(10).fill('COUPON_SOLD_OUT'));
  } finally {
    await client.query('rollback');
    client.release();
  }
});

it('serials that Redis thinks free though all are issued are refused, and not handed out again', async () => {
  const coupon = await makeCoupon(operator, { quantity: 3 });
  const buyers = await world.buyers(6);
  for (const [index, buyer] of buyers.slice(0, 3).entries()) await claim(at(buyer, index), coupon);
  const free = `{c:${coupon}}:free`;
  await world.redis.zadd(free, 1, '1', 2, '2', 3, '3');
  const answers = await Promise.all(buyers.slice(3).map((buyer, index) => claim(at(buyer, index), coupon)));
  expect(answers.map(({ code }) => code)).toEqual(Array(3).fill('COUPON_SOLD_OUT'));
  expect(await world.redis.zrange(free, 0, -1)).toEqual([]);
  expect(await world.redis.zrange(`{c:${coupon}}:pending`, 0, -1)).toEqual([]);
  expect((await world.pool.query('select from issued_coupon where coupon_id = $1', [coupon])).rowCount).toBe(3);
  expect(await violationsOf(operator)).toEqual({});
});

it('what Redis says is not believed against the rows: serials and users that it forgot are corrected', async () => {
  const coupon = await makeCoupon(operator, { quantity: 5 });
  const buyers = (await world.buyers(3)).map(at) as [Buyer, Buyer, Buyer];
  const [first, second, third] = buyers;
  await claim(first, coupon);
  await claim(second, coupon);
  const key = `{c:${coupon}}`;
  await world.redis.del(`${key}:users`);
  await world.redis.hset(`${key}:meta`, 'n', 1);
  expect((await claim(third, coupon)).serial).toBe(3);
  await world.redis.hdel(`${key}:users`, first.id);
  expect(await claim(first, coupon)).toMatchObject({ __typename: 'CouponAlreadyClaimed', issuedCoupon: { serial: 1 } });
  expect(await world.redis.zrange(`${key}:pending`, 0, -1)).toEqual([]);
  await world.redis.hset(`${key}:users`, 'somebody else', '4');
  expect((await claim(await world.buyer(), coupon)).serial).toBe(4);
  expect((await claim(await world.buyer(), coupon)).serial).toBe(5);
  expect(await claim(await world.buyer(), coupon)).toMatchObject({ code: 'COUPON_SOLD_OUT' });
  expect(await violationsOf(operator)).toEqual({});
});

it('with Redis away a claim is SERVICE_UNAVAILABLE and nothing is issued; afterwards it works without a restart', async () => {
  const coupon = await makeCoupon(operator, { quantity: 2 });
  const buyer = await world.buyer();
  await world.redisServer.kill();
  try {
    expect(await buyer.fail(`mutation { claimCoupon(couponId: "${coupon}") { __typename } }`)).toBe(
      'SERVICE_UNAVAILABLE',
    );
    expect((await world.pool.query('select from issued_coupon where coupon_id = $1', [coupon])).rowCount).toBe(0);
  } finally {
    await world.redisServer.start();
  }
  await eventually(async () => {
    const { data } = await buyer.ask(
      `mutation { claimCoupon(couponId: "${coupon}") { ... on IssuedCoupon { serial } } }`,
    );
    return data?.claimCoupon.serial === 1;
  });
});

it('the guards agree with each other: one that takes over from another goes on with the lowest serial that is free', async () => {
  const coupon = await makeCoupon(operator, { quantity: 5 });
  const others = await Promise.all(
    ['optimistic', 'pessimistic', 'redis-lock'].map((COUPON_GUARD) => world.startProcess({ COUPON_GUARD })),
  );
  const urls = [...others.map(({ url }) => url), world.urls[0] as string, others[0]?.url ?? ''];
  for (const [index, buyer] of (await world.buyers(5)).entries()) {
    expect((await claim(buyer.at(urls[index] as string), coupon)).serial).toBe(index + 1);
  }
  expect(await claim(await world.buyer(), coupon)).toMatchObject({ code: 'COUPON_SOLD_OUT' });
  expect(await violationsOf(operator)).toEqual({});
});
