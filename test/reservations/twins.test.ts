import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeShow, reserve } from '../support/builders.ts';
import { World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open({ preload: './without-row-locks.ts' });
  // The last guards behind the locks.
  await world.pool.query('alter table hold drop constraint hold_pkey');
});
afterAll(() => world.close());

it('without its row locks one seat is oversold: the test of the guard can fail', async () => {
  const show = await makeShow(await world.operator(), { seatCount: 100 });
  let oversold = 0;
  for (let round = 0; round < 20 && oversold === 0; round++) {
    const buyers = await world.buyers(20);
    const answers = await Promise.all(buyers.map((buyer) => reserve(buyer, show.id, [show.seats[round] as string])));
    oversold += Math.max(0, answers.filter(({ __typename }) => __typename === 'Reservation').length - 1);
  }
  expect(oversold).toBeGreaterThan(0);
});
