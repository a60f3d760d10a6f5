import { afterAll, beforeAll, expect, it } from 'vitest';
import { exportLink, open } from '../support/exports.ts';
import { World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open({ preload: './without-export-lock.ts' });
});
afterAll(() => world.close());

it('without the lock of its row a link works at two processes: the test of the guard can fail', async () => {
  const { url } = await exportLink(await world.operator());
  const responses = await Promise.all(world.urls.map((process) => open(process, url)));
  for (const response of responses) response.resume();
  expect(responses.map(({ statusCode }) => statusCode)).toEqual([200, 200]);
});
