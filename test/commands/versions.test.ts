import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { World } from '../support/world.ts';

const CHILD = fileURLToPath(new URL('../support/add-to-wallets.child.ts', import.meta.url));
const ROUNDS = 50;

/** Two processes add to the same five wallets at once. @returns what they believe to have added, and what is there */
async function addFromTwoProcesses(updates: 'single' | 'bulk'): Promise<{ added: number; found: number }> {
  // Deadlocks fail a world, unless a guard is off in it: bulk updates take their locks in any order.
  const world = await World.open({
    processes: 0,
    ...(updates === 'bulk' && { preload: './without-version-check.ts' }),
  });
  try {
    return await addTo(world, updates);
  } finally {
    await world.close();
  }
}

async function addTo(world: World, updates: string): Promise<{ added: number; found: number }> {
  const ids = (await world.buyers(5)).map(({ id }) => id);
  const args = [world.database.url, updates, String(ROUNDS), ...ids];
  const children = [fork(CHILD, args), fork(CHILD, args)];
  const told = () => Promise.all(children.map(async (child) => (await once(child, 'message'))[0]));
  expect(await told()).toEqual(['ready', 'ready']);
  for (const child of children) child.send('start');
  const counts = (await told()) as number[];
  const { rows } = await world.pool.query<{ sum: number }>(
    'select sum(balance)::int as sum from wallet where user_id = any($1)',
    [ids],
  );
  return { added: counts.reduce((sum, count) => sum + count, 0), found: rows[0]?.sum ?? Number.NaN };
}

it('two processes that write the same wallets by their versions, one update each, lose nothing', async () => {
  const { added, found } = await addFromTwoProcesses('single');
  expect(added).toBeGreaterThan(0);
  expect(found).toBe(added);
});

it('with MikroORM’s bulk updates, which check versions apart from writing, they lose updates: the test of the guard can fail', async () => {
  const { added, found } = await addFromTwoProcesses('bulk');
  expect(found).toBeLessThan(added);
});
