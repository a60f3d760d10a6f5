import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Buyer, post } from '../support/client.ts';
import { makeScheduled, openNow, shuffleOf } from '../support/openings.ts';
import { line } from '../support/places.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

const url = (index = 0): string => world.urls[index % world.urls.length] as string;

it('is null for an unknown queue and for one that was never SCHEDULED', async () => {
  const query = 'query ($id: ID!) { queueShuffle(queueId: $id) { commitment } }';
  const made = 'mutation { createQueue(input: { name: "q", capacity: 1 }) { id } }';
  const { id } = (await operator.get(made)).createQueue;
  for (const queueId of [id, '0198c0de-0000-7000-8000-000000000000']) {
    expect(await post(url(), query, { id: queueId })).toMatchObject({
      data: { queueShuffle: null },
      errors: undefined,
    });
  }
  expect((await post(url(), query, { id: 'no id' })).errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
});

it('tells the order by pages, in bounds', async () => {
  const queueId = await makeScheduled(operator);
  await line(await world.buyers(7), queueId);
  await openNow(operator, queueId);
  const { order } = await shuffleOf(url(), queueId);
  expect((await shuffleOf(url(), queueId, { first: 3 })).order).toEqual(order.slice(0, 3));
  expect((await shuffleOf(url(), queueId, { first: 3, offset: 3 })).order).toEqual(order.slice(3, 6));
  expect((await shuffleOf(url(), queueId, { first: 3, offset: 6 })).order).toEqual(order.slice(6));
  expect((await shuffleOf(url(), queueId, { first: 3, offset: 7 })).order).toEqual([]);
  expect((await shuffleOf(url(), queueId, { offset: 2 ** 31 - 1 })).order).toEqual([]);
  for (const page of [{ first: 0 }, { first: 10_001 }, { offset: -1 }, { priority: -1 }, { priority: 10 }]) {
    await expect(shuffleOf(url(), queueId, page)).rejects.toThrow('BAD_USER_INPUT');
  }
});
