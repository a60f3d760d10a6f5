import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeShow, reserve } from '../support/builders.ts';
import { World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open({ preload: './without-limit-lock.ts' });
});
afterAll(() => world.close());

it('without the lock of a user and show one user gets more seats than the limit: the test of the guard can fail', async () => {
  const show = await makeShow(await world.operator(), { seatCount: 1_000 });
  let most = 0;
  for (let round = 0; round < 50 && most <= 8; round++) {
    const buyer = await world.buyer();
    const seats = (from: number): string[] => show.seats.slice(20 * round + from, 20 * round + from + 8);
    await Promise.all(world.urls.map((url, index) => reserve(buyer.at(url), show.id, seats(10 * index))));
    const { rowCount } = await world.pool.query('select from hold where user_id = $1', [buyer.id]);
    most = Math.max(most, rowCount ?? 0);
  }
  expect(most).toBe(16);
});
