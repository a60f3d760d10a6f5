import { afterAll, beforeAll, expect, it } from 'vitest';
import { charge, eventually } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import { chainOf } from '../support/ledger.ts';
import { World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
});
afterAll(() => world.close());

it.each(['before', 'after'])(
  'a process killed %s the commit of a batch: every command sent again with its key is done once',
  async (DIE) => {
    const doomed = await world.startProcess({ DIE }, './die-at-commit.ts');
    const buyers = await world.buyers(40);
    const send = (to: (buyer: Buyer) => Buyer): Promise<unknown>[] =>
      buyers.map((buyer, index) => charge(to(buyer), 100 + index, 'once'));
    const first = Promise.allSettled(send((buyer) => buyer.at(doomed.url).hasty()));
    await eventually(() => doomed.child.signalCode === 'SIGKILL');
    await first;
    const again = await Promise.all(send((buyer) => buyer.at(world.urls[0] as string)));
    const once = buyers.map((_, index) => ({ __typename: 'LedgerEntry', amount: 100 + index, balanceBefore: 0 }));
    expect(again).toMatchObject(once);
    for (const [index, { id }] of buyers.entries()) {
      expect(await chainOf(world.pool, id)).toEqual({ entries: 1, unbroken: true, sum: 100 + index });
    }
  },
);
