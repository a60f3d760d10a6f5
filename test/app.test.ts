import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeShow } from './support/builders.ts';
import { World } from './support/world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
});
afterAll(() => world.close());

it('a process told to stop closes its sockets and ends at once, with subscriptions open', async () => {
  const show = await makeShow(await world.operator());
  const stopping = await world.startProcess();
  const buyer = (await world.buyer()).at(stopping.url);
  const feed = buyer.watch('subscription ($show: ID!) { seatChanges(showId: $show) { resync } }', { show: show.id });
  await new Promise((resolve) => setTimeout(resolve, 300));
  const start = performance.now();
  await stopping.stop('SIGINT');
  // An operator expects a second or so.
  expect(performance.now() - start).toBeLessThan(3_000);
  expect(stopping.child.exitCode).toBe(0);
  await feed.ended;
  expect(feed.closed?.code).toBe(1001);
});
