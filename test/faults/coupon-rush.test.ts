import { it } from 'vitest';
import { claimTwice } from '../support/rush.ts';
import { World } from '../support/world.ts';

it('5,000 users who claim twice over two processes for 1,000 coupons get exactly those, at most one each', async () => {
  const world = await World.open();
  try {
    await claimTwice(world, await world.operator(), 5_000);
  } finally {
    await world.close();
  }
}, 120_000);
