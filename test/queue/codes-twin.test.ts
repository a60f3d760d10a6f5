import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeQueue } from '../support/builders.ts';
import { issue, rushWith } from '../support/codes.ts';
import { World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open({ preload: './without-code-owner.ts' });
});
afterAll(() => world.close());

it('without the check of its owner a code lets several users in: the test of the guard can fail', async () => {
  const operator = await world.operator();
  const queueId = await makeQueue(operator, { capacity: 0 });
  const [code] = (await issue(operator, queueId, 7)) as [string];
  expect((await rushWith(await world.buyers(50), queueId, code)).length).toBeGreaterThan(1);
});
