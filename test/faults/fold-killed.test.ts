import { afterEach, describe, expect, it } from 'vitest';
import { eventually, makeShow, violationsOf } from '../support/builders.ts';
import { foldedOf, unfolded, untilFolded, withoutFolding } from '../support/sales.ts';
import { makeProduct, payOrder, placeOrder } from '../support/shop.ts';
import { foldedShow, sumsOf, trade, untilShowsFolded } from '../support/shows.ts';
import { World } from '../support/world.ts';

let world: World;
afterEach(() => world.close());

describe('a process is killed when it has added up sales and before that is committed', () => {
  it('of products: nothing is added, and the next process adds each sale once', async () => {
    world = await World.open({ processes: 1 });
    const operator = await world.operator();
    const product = await makeProduct(operator, { price: 10 });
    const buyers = await world.buyers(20, 1_000);
    const orders = await Promise.all(buyers.map((buyer) => placeOrder(buyer, { [product]: 1 })));
    const doomed = await withoutFolding(world.pool, async () => {
      await Promise.all(buyers.map((buyer, index) => payOrder(buyer, orders[index].id)));
      await world.processes[0]?.stop();
      return world.startProcess({}, './die-in-fold.ts');
    });
    await eventually(() => doomed.child.signalCode === 'SIGKILL');
    expect(await unfolded(world.pool)).toBe(20);
    expect(await foldedOf(world.pool, product)).toBeUndefined();
    const { url } = await world.startProcess();
    await untilFolded(world.pool);
    expect(await foldedOf(world.pool, product)).toEqual({ quantity: 20, revenue: 200 });
    expect(await violationsOf(operator.at(url))).toEqual({});
  });

  it('of a show: nothing is added, and the next process adds each payment once', async () => {
    world = await World.open({ processes: 1 });
    const operator = await world.operator();
    const show = await makeShow(operator, { seatCount: 20 });
    const { doomed, expected } = await withoutFolding(
      world.pool,
      async () => {
        const sums = await trade(world, operator, show.id, show.seats, 6);
        await world.processes[0]?.stop();
        return { expected: sums, doomed: await world.startProcess({}, './die-in-show-fold.ts') };
      },
      'fold-shows',
    );
    await eventually(() => doomed.child.signalCode === 'SIGKILL', 30_000);
    expect(await foldedShow(world.pool, show.id)).toMatchObject({ sold: 0 });
    const { url } = await world.startProcess();
    await untilShowsFolded(world.pool);
    expect(await foldedShow(world.pool, show.id)).toEqual(expected);
    expect(await sumsOf(operator.at(url), show.id)).toEqual(expected);
  }, 60_000);
});
