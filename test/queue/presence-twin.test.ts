import { afterAll, beforeAll, it } from 'vitest';
import { makeQueue } from '../support/builders.ts';
import { follow, hears, line, update } from '../support/places.ts';
import { areKept, passAway } from '../support/presence.ts';
import { World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open({ preload: './without-reports.ts' });
});
afterAll(() => world.close());

it('without its reports a process lets its subscribers be passed over: the tests of presence can fail', async () => {
  const operator = await world.operator();
  const queueId = await makeQueue(operator, { capacity: 0, awaySeconds: 4 });
  const places = await line(await world.buyers(2), queueId);
  await areKept(world, places);
  const feeds = places.map(follow);
  await Promise.all(feeds.map((feed) => hears(feed, 'status', 'WAITING')));

  await passAway(world, queueId, 12_000);
  await update(operator, queueId, { capacity: 2 });

  await Promise.all(feeds.map((feed) => hears(feed, 'endReason', 'AWAY')));
  await Promise.all(feeds.map((feed) => feed.close()));
});
