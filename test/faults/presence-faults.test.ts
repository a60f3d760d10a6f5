import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, makeQueue } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import { follow, hears, line, look, type Place, pause, statsOf, until, update } from '../support/places.ts';
import { areKept, passAway } from '../support/presence.ts';
import { World } from '../support/world.ts';

const AWAY_SECONDS = 10;
const LONG_AGO = 3 * AWAY_SECONDS * 1_000;
/** A process that has not reported for so long would be missed. */
const MISSED_AFTER_MS = 2_500;
/** After that, connections that were cut off are back, and ticks have come. */
const RECONNECTED_AFTER_MS = 2_000;

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  operator = await world.operator();
});
afterAll(() => world.close());

it('a process that ends in order is not waited for: who is away is passed over, who was there last is not', async () => {
  const ending = await world.startProcess();
  const queueId = await makeQueue(operator, { capacity: 0, awaySeconds: AWAY_SECONDS });
  const places = await line(await world.buyers(3), queueId);
  await areKept(world, places);
  const [gone, poller, watcher] = places.map(({ buyer, value }) => ({ buyer: buyer.at(ending.url), value })) as [
    Place,
    Place,
    Place,
  ];
  const feed = follow(watcher);
  await hears(feed, 'position', 3);
  await look(poller);
  const reporters = `{q:${queueId}}:reporters`;
  await eventually(async () => (await world.redis.zcard(reporters)) === 1);

  await passAway(world, queueId, LONG_AGO);
  await look(poller);
  await ending.stop();
  expect(await world.redis.zcard(reporters)).toBe(0);
  await feed.ended;
  await pause(MISSED_AFTER_MS);
  await update(operator, queueId, { capacity: 3 });

  await eventually(async () => (await statsOf(operator, queueId)).waiting === 0);
  expect(await statsOf(operator, queueId)).toMatchObject({ admitted: 2, active: 2, expired: 1 });
  const elsewhere = ({ buyer, value }: Place): Place => ({ buyer: buyer.at(world.urls[0] as string), value });
  expect(await look(elsewhere(gone))).toMatchObject({ status: 'EXPIRED', endReason: 'AWAY' });
  await Promise.all([poller, watcher].map((place) => until(elsewhere(place), 'ACTIVE')));
});

it('one queue whose ticks fail after an outage does not make everybody elsewhere count as seen for ever', async () => {
  const input = { capacity: 0, awaySeconds: AWAY_SECONDS };
  const [queueId, broken] = [await makeQueue(operator, input), await makeQueue(operator, input)];
  const places = await line(await world.buyers(1), queueId);
  const spared = await line(await world.buyers(1), broken);
  await areKept(world, [...places, ...spared]);
  await world.redis.set(`{q:${broken}}:reporters`, 'no set');
  await world.redisServer.kill();
  await world.redisServer.start();
  await pause(RECONNECTED_AFTER_MS);

  await passAway(world, queueId, LONG_AGO);
  await passAway(world, broken, LONG_AGO);
  await update(operator, queueId, { capacity: 1 });
  await update(operator, broken, { capacity: 1 });
  await eventually(async () => (await statsOf(operator, queueId)).waiting === 0);
  expect(await look(places[0]!)).toMatchObject({ status: 'EXPIRED', endReason: 'AWAY' });

  expect(await statsOf(operator, broken)).toMatchObject({ waiting: 1, admitted: 0 });
  await world.redis.del(`{q:${broken}}:reporters`);
  await eventually(async () => (await statsOf(operator, broken)).waiting === 0);
  expect(await statsOf(operator, broken)).toMatchObject({ admitted: 1, expired: 0 });
});
