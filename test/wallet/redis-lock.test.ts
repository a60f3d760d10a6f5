import { afterAll, beforeAll, expect, it } from 'vitest';
import { balanceOf, charge, eventually } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { inTime } from '../support/in-time.ts';
import { chainOf } from '../support/ledger.ts';
import { pause } from '../support/places.ts';
import { World } from '../support/world.ts';

const CHARGE = 'mutation ($key: ID!) { charge(input: { amount: 5, idempotencyKey: $key }) { __typename } }';

let world: World;
beforeAll(async () => {
  world = await World.open({ env: { WALLET_GUARD: 'redis-lock' } });
});
afterAll(() => world.close());

const lockOf = ({ id }: Buyer): string => `onsale:lock:{wallet:${id}}`;

/** Takes the lock as another process would. */
async function take(buyer: Buyer, leaseMs: number): Promise<void> {
  await world.redis.set(lockOf(buyer), 'a rival', 'PX', leaseMs);
}

async function countAcquires(work: () => Promise<unknown>): Promise<number> {
  const calls = async (): Promise<number> => {
    const stats = await world.redis.info('commandstats');
    return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
  };
  const before = await calls();
  await work();
  return (await calls()) - before;
}

it('who comes second waits for a message rather than asking again and again, and goes on as soon as the lock is free', async () => {
  const buyer = await world.buyer();
  await take(buyer, 10_000);
  let answer: Data;
  const asked = await countAcquires(async () => {
    const charging = charge(buyer, 5).then((charged) => {
      answer = charged;
    });
    await pause(900);
    expect(answer).toBeUndefined();
    await world.redis.del(lockOf(buyer));
    await world.redis.publish(`onsale:unlocked:wallet:${buyer.id}`, '1');
    await charging;
  });
  expect(answer).toMatchObject({ __typename: 'LedgerEntry', balanceAfter: 5 });
  expect(asked, 'a look when it comes, some in a second of waiting, one when woken, one to give it back').toBeLessThan(
    12,
  );
  expect(await world.redis.exists(lockOf(buyer), `${lockOf(buyer)}:line`)).toBe(0);
});

it('a release that nobody was told of is found out all the same', async () => {
  const buyer = await world.buyer();
  await take(buyer, 10_000);
  const charging = charge(buyer.hasty(), 5);
  await pause(300);
  await world.redis.del(lockOf(buyer));
  expect(await inTime(() => charging)).toMatchObject({ balanceAfter: 5 });
});

it('the lock of an owner who died ends with its lease', async () => {
  const buyer = await world.buyer();
  await take(buyer, 1_000);
  expect(await inTime(() => charge(buyer.hasty(), 5))).toMatchObject({ balanceAfter: 5 });
});

it('a lock that others have for too long is SERVICE_UNAVAILABLE within 3 seconds, and it stays theirs', async () => {
  const buyer = await world.buyer();
  await take(buyer, 60_000);
  expect(await inTime(() => buyer.fail(CHARGE, { key: 'k' }))).toBe('SERVICE_UNAVAILABLE');
  expect(await world.redis.get(lockOf(buyer))).toBe('a rival');
  await world.redis.del(lockOf(buyer));
  expect(await balanceOf(buyer)).toBe(0);
  expect(await charge(buyer, 5, 'k')).toMatchObject({ balanceAfter: 5 });
});

it('an owner whose lease ran out while it worked does not end the lock of the next one, and its version check still holds', async () => {
  const buyer = await world.buyer(100);
  const rival = await world.pool.connect();
  await rival.query('begin');
  await rival.query('select from wallet where user_id = $1 for update', [buyer.id]);
  const charging = charge(buyer, 5);
  await eventually(async () => (await world.redis.get(lockOf(buyer))) !== null);
  await take(buyer, 60_000);
  await rival.query('update wallet set balance = 107, version = version + 1, seq = 2 where user_id = $1', [buyer.id]);
  await rival.query(
    `insert into entry (id, wallet_id, seq, kind, amount, balance_before, balance_after)
     values (gen_random_uuid(), $1, 2, 'CHARGE', 7, 100, 107)`,
    [buyer.id],
  );
  await rival.query('commit');
  rival.release();
  expect(await charging).toMatchObject({ balanceAfter: 112 });
  expect(await world.redis.get(lockOf(buyer))).toBe('a rival');
  expect(await chainOf(world.pool, buyer.id)).toEqual({ entries: 3, unbroken: true, sum: 112 });
});

it('two processes with endless work on one wallet both get their turns', async () => {
  const buyer = await world.buyer();
  const until = Date.now() + 3_000;
  const busy = Array.from({ length: 20 }, async () => {
    while (Date.now() < until) await charge(buyer.at(world.urls[0] as string), 1);
  });
  const waits: Promise<Data>[] = [];
  for (let i = 0; i < 10; i++) {
    waits.push(inTime(() => charge(buyer.at(world.urls[1] as string).hasty(), 1)));
    await pause(200);
  }
  expect((await Promise.all(waits)).filter(({ __typename }) => __typename !== 'LedgerEntry')).toEqual([]);
  await Promise.all(busy);
  expect((await chainOf(world.pool, buyer.id)).unbroken).toBe(true);
});

it('while Redis is away work on wallets is SERVICE_UNAVAILABLE, and the same keys work once it is back', async () => {
  const buyer = await world.buyer(100);
  await world.redisServer.kill();
  const codes = await Promise.all([1, 2, 3].map((key) => inTime(() => buyer.fail(CHARGE, { key: `${key}` }))));
  expect(codes).toEqual(Array(3).fill('SERVICE_UNAVAILABLE'));
  await world.redisServer.start();
  expect(await balanceOf(buyer)).toBe(100);
  await eventually(async () => !(await buyer.ask(CHARGE, { key: '1' })).errors);
  for (const key of ['1', '2', '3']) await charge(buyer, 5, key);
  expect(await chainOf(world.pool, buyer.id)).toEqual({ entries: 4, unbroken: true, sum: 115 });
});
