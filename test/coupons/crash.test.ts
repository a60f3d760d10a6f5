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

it('a process killed between Redis and PostgreSQL gives the serial to the next to ask', async () => {
  const coupon = await makeCoupon(operator, { quantity: 3 });
  const [doomed, second, third, fourth] = (await world.buyers(4)) as [Buyer, Buyer, Buyer, Buyer];
  const dying = await world.startProcess({}, './die-before-confirming.ts');
  await expect(claim(doomed.at(dying.url), coupon)).rejects.toThrow();
  await eventually(() => dying.child.signalCode === 'SIGKILL');
  expect((await claim(at(second, 0), coupon)).serial).toBe(2);
  expect(await endLeases(coupon)).toEqual(['1']);
  expect((await claim(at(third, 1), coupon)).serial).toBe(1);
  expect((await claim(at(fourth, 0), coupon)).serial).toBe(3);
  expect(await claim(at(doomed, 0), coupon)).toMatchObject({ __typename: 'Refusal', code: 'COUPON_SOLD_OUT' });
  expect(await violationsOf(operator)).toEqual({});
});

it('whoever asks again after such a crash gets the same serial, within the lease', async () => {
  const coupon = await makeCoupon(operator, { quantity: 3 });
  const [doomed, other] = (await world.buyers(2)) as [Buyer, Buyer];
  const dying = await world.startProcess({}, './die-before-confirming.ts');
  await expect(claim(doomed.at(dying.url), coupon)).rejects.toThrow();
  expect((await claim(at(other, 0), coupon)).serial).toBe(2);
  expect((await claim(at(doomed, 1), coupon)).serial).toBe(1);
  expect(await endLeases(coupon)).toEqual([]);
});

it('the last serial, on its lease after a crash, is refused for now and given out later', async () => {
  const coupon = await makeCoupon(operator, { quantity: 1 });
  const [doomed, other] = (await world.buyers(2)) as [Buyer, Buyer];
  const dying = await world.startProcess({}, './die-before-confirming.ts');
  await expect(claim(doomed.at(dying.url), coupon)).rejects.toThrow();
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
