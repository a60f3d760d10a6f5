import { it } from 'vitest';
import { cancelAmidSales } from '../support/cancelled-shows.ts';
import { World } from '../support/world.ts';

it('fifty shows that are cancelled while 200 requests pay and reserve: nobody has paid for any of them in the end', async () => {
  const world = await World.open();
  try {
    await cancelAmidSales(world, await world.operator(), 50);
  } finally {
    await world.close();
  }
}, 300_000);
