import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeQueue } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { forgedCursor } from '../support/cursors.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  operator = await world.operator();
});
afterAll(() => world.close());

const QUEUES = `query ($first: Int! = 20, $after: String) { queues(first: $first, after: $after) {
  edges { cursor node { id name state stats { waiting } } } pageInfo { hasNextPage endCursor } } }`;

it('queues tells every queue, newest first, page after page while others are made', async () => {
  const made: string[] = [];
  for (const name of ['one', 'two', 'three', 'four', 'five'])
    made.unshift(await makeQueue(operator, { name, capacity: 1 }));
  const seen: string[] = [];
  let after: string | null = null;
  do {
    const { queues }: Data = await operator.get(QUEUES, { first: 2, after });
    seen.push(...queues.edges.map(({ node }: Data) => node.id));
    await makeQueue(operator, { capacity: 1 });
    after = queues.pageInfo.hasNextPage ? queues.pageInfo.endCursor : null;
  } while (after !== null);
  expect(seen).toEqual(made);
});

it('a foreign cursor and a page out of bounds are refused', async () => {
  const { concerts } = await operator.get('{ concerts(first: 1) { pageInfo { endCursor } } }');
  for (const after of [concerts.pageInfo.endCursor ?? 'x', '', forgedCursor('queue', 'x')])
    expect(await operator.fail(QUEUES, { after })).toBe('BAD_USER_INPUT');
  for (const first of [0, 101]) expect(await operator.fail(QUEUES, { first })).toBe('BAD_USER_INPUT');
});
