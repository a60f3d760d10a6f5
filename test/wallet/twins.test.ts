import { afterAll, beforeAll, expect, it } from 'vitest';
import { charge } from '../support/builders.ts';
import { chainOf } from '../support/ledger.ts';
import { World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open({ preload: './without-version-check.ts' });
  await world.pool.query('alter table entry drop constraint entry_chain');
});
afterAll(() => world.close());

it('without its version check a wallet loses updates: the test of the guard can fail', async () => {
  const buyer = await world.buyer(1_000);
  const charges = Array.from({ length: 300 }, (_, index) => charge(buyer.at(world.urls[index % 2] as string), 500));
  await Promise.all(charges);
  const { rows } = await world.pool.query<{ balance: string }>('select balance from wallet where user_id = $1', [
    buyer.id,
  ]);
  expect(Number(rows[0]?.balance)).toBeLessThan(151_000);
  expect((await chainOf(world.pool, buyer.id)).unbroken).toBe(false);
});
