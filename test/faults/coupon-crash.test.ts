import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, violationsOf } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { claim, makeCoupon } from '../support/shop.ts';
import { whileLocked } from '../support/while-locked.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

const at = (buyer: Buyer, index: number): Buyer => buyer.at(world.urls[index % 2] as string);

async function issuedBy(answers: Data[]): Promise<number[]> {
  return answers.flatMap(({ serial }) => serial ?? []).sort((a, b) => a - b);
}

it('a claim whose process is killed before its commit takes nothing: the next to ask gets the serial at once', async () => {
  const coupon = await makeCoupon(operator, { quantity: 3 });
  const [doomed, second, third, fourth] = (await world.buyers(4)) as [Buyer, Buyer, Buyer, Buyer];
  const dying = await world.startProcess({}, './die-while-claiming.ts');
  await expect(claim(doomed.at(dying.url), coupon)).rejects.toThrow();
  await eventually(() => dying.child.signalCode === 'SIGKILL');
  expect((await claim(at(second, 0), coupon)).serial).toBe(1);
  expect((await claim(at(third, 1), coupon)).serial).toBe(2);
  expect(await violationsOf(operator)).toEqual({});
  expect((await claim(at(fourth, 0), coupon)).serial).toBe(3);
  expect(await claim(at(doomed, 0), coupon)).toMatchObject({ __typename: 'Refusal', code: 'COUPON_SOLD_OUT' });
  expect(await violationsOf(operator)).toEqual({});
});

it('a user whose claim died with its process gets a coupon by asking again, while some are left', async () => {
  const coupon = await makeCoupon(operator, { quantity: 2 });
  const [doomed, other, late] = (await world.buyers(3)) as [Buyer, Buyer, Buyer];
  const dying = await world.startProcess({}, './die-while-claiming.ts');
  await expect(claim(doomed.at(dying.url), coupon)).rejects.toThrow();
  expect((await claim(at(other, 0), coupon)).serial).toBe(1);
  expect((await claim(at(doomed, 1), coupon)).serial).toBe(2);
  expect(await claim(at(late, 0), coupon)).toMatchObject({ code: 'COUPON_SOLD_OUT' });
  expect(await violationsOf(operator)).toEqual({});
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

it('with all issued a claim is refused without a lock: a locked row holds up nobody, and who has one hears of it', async () => {
  const coupon = await makeCoupon(operator, { quantity: 2 });
  const buyers = await world.buyers(12);
  for (const [index, buyer] of buyers.slice(0, 2).entries()) await claim(at(buyer, index), coupon);
  const lock = { text: 'select from coupon where id = $1 for update', values: [coupon] };
  await whileLocked(world.pool, lock, async () => {
    const answers = await Promise.all(buyers.slice(2).map((buyer, index) => claim(at(buyer, index), coupon)));
    expect(answers.map(({ code }) => code)).toEqual(Array(10).fill('COUPON_SOLD_OUT'));
    const first = await Promise.all(world.urls.map((url) => claim((buyers[0] as Buyer).at(url), coupon)));
    expect(first.map(({ code }) => code)).toEqual(['COUPON_ALREADY_CLAIMED', 'COUPON_ALREADY_CLAIMED']);
  });
});

it('serials of rows that were taken out by hand are given out again, the lowest first', async () => {
  const coupon = await makeCoupon(operator, { quantity: 6 });
  const buyers = await world.buyers(8);
  for (const [index, buyer] of buyers.slice(0, 5).entries()) await claim(at(buyer, index), coupon);
  await world.pool.query('delete from issued_coupon where coupon_id = $1 and serial in (2, 4)', [coupon]);
  await world.pool.query('update coupon set issued = 3 where id = $1', [coupon]);
  for (const serial of [2, 4, 6]) {
    expect((await claim(at(buyers.at(-1) as Buyer, serial), coupon)).serial).toBe(serial);
    buyers.pop();
  }
  expect(await claim(at(await world.buyer(), 0), coupon)).toMatchObject({ code: 'COUPON_SOLD_OUT' });
  expect(await violationsOf(operator)).toEqual({});
});

it('with Redis away coupons are given out as before; under redis-lock a claim is SERVICE_UNAVAILABLE until it is back', async () => {
  const coupon = await makeCoupon(operator, { quantity: 2 });
  const [first, second] = (await world.buyers(2)) as [Buyer, Buyer];
  const locking = await world.startProcess({ COUPON_GUARD: 'redis-lock' });
  const query = `mutation { claimCoupon(couponId: "${coupon}") { ... on IssuedCoupon { serial } } }`;
  await world.redisServer.kill();
  try {
    expect(await second.at(locking.url).fail(query)).toBe('SERVICE_UNAVAILABLE');
    expect((await world.pool.query('select from issued_coupon where coupon_id = $1', [coupon])).rowCount).toBe(0);
    expect((await first.get(query)).claimCoupon.serial).toBe(1);
  } finally {
    await world.redisServer.start();
  }
  await eventually(async () => {
    const { data } = await second.at(locking.url).ask(query);
    return data?.claimCoupon.serial === 2;
  });
});

it('processes with different guards agree: one that takes over from another goes on with the lowest serial that is free', async () => {
  const coupon = await makeCoupon(operator, { quantity: 5 });
  const others = await Promise.all(
    ['optimistic', 'script', 'redis-lock'].map((COUPON_GUARD) => world.startProcess({ COUPON_GUARD })),
  );
  const urls = [...others.map(({ url }) => url), world.urls[0] as string, others[0]?.url ?? ''];
  for (const [index, buyer] of (await world.buyers(5)).entries()) {
    expect((await claim(buyer.at(urls[index] as string), coupon)).serial).toBe(index + 1);
  }
  expect(await claim(await world.buyer(), coupon)).toMatchObject({ code: 'COUPON_SOLD_OUT' });
  expect(await violationsOf(operator)).toEqual({});
});
