import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { cancelPayment, eventually, violationsOf } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { foldedOf, unfolded, untilFolded, withoutFolding } from '../support/sales.ts';
import { makeProduct, payOrder, placeOrder } from '../support/shop.ts';
import { World } from '../support/world.ts';

let world: World;

/** What best sellers tell of a product, counted anew. */
async function toldOf(operator: Buyer, id: string): Promise<Data> {
  await world.redis.flushall();
  const { bestSellers } = await operator.get(
    '{ bestSellers(days: 1, first: 100) { quantity revenue product { id } } }',
  );
  const row = bestSellers.find(({ product }: Data) => product.id === id);
  return row && { quantity: row.quantity, revenue: row.revenue };
}

/** Orders of one piece, one for each buyer. */
async function ordersOf(buyers: readonly Buyer[], product: string): Promise<string[]> {
  const ids: string[] = [];
  for (let at = 0; at < buyers.length; at += 50) {
    const some = buyers.slice(at, at + 50);
    const orders = await Promise.all(some.map((buyer) => placeOrder(buyer, { [product]: 1 })));
    ids.push(...orders.map(({ id }) => id));
  }
  return ids;
}

describe('over two processes', () => {
  let operator: Buyer;
  beforeAll(async () => {
    world = await World.open();
    operator = await world.operator();
  });
  afterAll(() => world.close());

  it('300 who pay for one product at once over two processes all get their payment, and the sales are exact before and after they are added up', async () => {
    const product = await makeProduct(operator, { stock: 1_000, price: 10 });
    const buyers = await world.buyers(300, 1_000);
    const orders = await ordersOf(buyers, product);
    const sold = { quantity: 300, revenue: 3_000 };
    await withoutFolding(world.pool, async () => {
      const paid = await Promise.all(buyers.map((buyer, index) => payOrder(buyer, orders[index] as string)));
      expect(paid.filter(({ status }) => status !== 'COMPLETED')).toEqual([]);
      expect(await unfolded(world.pool)).toBe(300);
      expect(await foldedOf(world.pool, product)).toBeUndefined();
      expect(await toldOf(operator, product)).toEqual(sold);
      expect(await violationsOf(operator)).toEqual({});
    });
    await untilFolded(world.pool);
    expect(await foldedOf(world.pool, product)).toEqual(sold);
    expect(await toldOf(operator, product)).toEqual(sold);
    expect(await violationsOf(operator)).toEqual({});
  });

  it('payments go through while somebody has the lock of their product, and of all that sold', async () => {
    const product = await makeProduct(operator);
    const buyer = await world.buyer(10_000);
    const [order] = (await ordersOf([buyer], product)) as [string];
    const client = await world.pool.connect();
    try {
      await client.query('begin');
      await client.query('select from product where id = $1 for no key update', [product]);
      await client.query('lock table sale in exclusive mode');
      expect(await payOrder(buyer, order)).toMatchObject({ status: 'COMPLETED' });
    } finally {
      client.release(true);
    }
  });
});

describe('with another order of adding up', () => {
  afterEach(() => world.close());

  it('sales that are taken back while every process adds them up one by one at once are counted exactly, none below zero', async () => {
    world = await World.open({ preload: './fold-one-by-one.ts' });
    const operator = await world.operator();
    const products = await Promise.all([10, 20].map((price) => makeProduct(operator, { price, stock: 1_000 })));
    const [thing, other] = products as [string, string];
    const buyers = await world.buyers(20, 100_000);
    await Promise.all(
      buyers.map(async (buyer, index) => {
        for (let round = 0; round < 4; round++) {
          const order = await placeOrder(buyer, round % 2 ? { [thing]: 1, [other]: 2 } : { [thing]: 2 });
          const payment = await payOrder(buyer.at(world.urls[round % 2] as string), order.id);
          if ((index + round) % 2 === 0) await cancelPayment(buyer, payment.id);
        }
      }),
    );
    expect(await violationsOf(operator)).toEqual({});
    await untilFolded(world.pool);
    expect(await violationsOf(operator)).toEqual({});
    // Ten buyers keep the rounds with both products, ten those with two pieces of the first.
    const first = { quantity: 20 * 1 + 20 * 2, revenue: (20 * 1 + 20 * 2) * 10 };
    const second = { quantity: 20 * 2, revenue: 20 * 2 * 20 };
    expect(await Promise.all(products.map((id) => foldedOf(world.pool, id)))).toEqual([first, second]);
    expect(await Promise.all(products.map((id) => toldOf(operator, id)))).toEqual([first, second]);
  });

  it('taken back before it is added up, the latest first, a sale is below zero: the test of the order can fail', async () => {
    world = await World.open({ processes: 1, preload: './fold-latest-first.ts' });
    await world.pool.query('alter table sale drop constraint sale_never_negative, drop constraint sale_revenue_check');
    const operator = await world.operator();
    const product = await makeProduct(operator);
    const buyer = await world.buyer(10_000);
    await withoutFolding(world.pool, async () => {
      const [order] = (await ordersOf([buyer], product)) as [string];
      await cancelPayment(buyer, (await payOrder(buyer, order)).id);
    });
    await eventually(async () => (await foldedOf(world.pool, product))?.quantity === -1);
  });
});
