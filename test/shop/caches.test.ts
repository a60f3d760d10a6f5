import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { cancelPayment } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { makeProduct, payOrder, placeOrder, stockOf } from '../support/shop.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open({ preload: './count-sql.ts' });
  operator = await world.operator();
});
afterAll(() => world.close());
beforeEach(() => world.redis.flushall());

/** How often the texts of products were read from PostgreSQL, by all processes, since `from`. */
function textReads(from = 0): number {
  return statements('select p.id, p.name, p.description').length - from;
}

function statements(text: string): unknown[] {
  return world.processes.flatMap(({ messages }) => messages.filter(({ value }) => String(value).startsWith(text)));
}

async function statsOf(name: string): Promise<Data> {
  const { cacheStats } = await operator.get('{ cacheStats { name hits misses hitRate } }');
  return cacheStats.find((stats: Data) => stats.name === name);
}

const at = (index: number): Buyer => operator.at(world.urls[index % 2] as string);
const READ = 'query ($id: ID!) { product(id: $id) { name price stock } }';

it('200 who ask for one product at once over two processes load its texts once', async () => {
  const id = await makeProduct(operator, { name: 'hot' });
  const before = textReads();
  const answers = await Promise.all(Array.from({ length: 200 }, (_, index) => at(index).get(READ, { id })));
  expect(answers.filter(({ product }) => product.name !== 'hot')).toEqual([]);
  expect(textReads(before)).toBe(1);
  expect(await statsOf('products')).toMatchObject({ misses: 1 });
  const { hits, hitRate } = await statsOf('products');
  expect(hits).toBeGreaterThanOrEqual(199);
  expect(hitRate).toBeCloseTo(hits / (hits + 1));
});

it('the stock is never remembered: what is bought is gone for the next to look, in either process', async () => {
  const id = await makeProduct(operator, { stock: 2 });
  await Promise.all([stockOf(at(0), id), stockOf(at(1), id)]);
  await placeOrder(await world.buyer(), { [id]: 2 });
  expect([await stockOf(at(0), id), await stockOf(at(1), id)]).toEqual([0, 0]);
});

it('a page of products reads the stock of all of them in one statement', async () => {
  for (let index = 0; index < 12; index++) await makeProduct(operator, { category: 'a page' });
  const before = statements('select id, stock from product').length;
  const { products } = await operator.get(
    '{ products(filter: { category: "a page" }) { edges { node { name stock soldOut } } } }',
  );
  expect(products.edges).toHaveLength(12);
  expect(statements('select id, stock from product').length - before).toBeLessThanOrEqual(2);
});

it('best sellers are counted once for a crowd, and anew after every payment and every refund', async () => {
  const id = await makeProduct(operator, { stock: 50 });
  const buyer = await world.buyer(100_000);
  const quantity = async (index: number): Promise<number | undefined> =>
    (await at(index).get('{ bestSellers(days: 1, first: 100) { quantity product { id } } }')).bestSellers.find(
      ({ product }: Data) => product.id === id,
    )?.quantity;
  for (const total of [3, 6, 9]) {
    const order = await placeOrder(buyer, { [id]: 3 });
    const payment = await payOrder(buyer.at(world.urls[total % 2] as string), order.id);
    const told = await Promise.all(Array.from({ length: 40 }, (_, index) => quantity(index)));
    expect(new Set(told)).toEqual(new Set([total]));
    if (total === 9) {
      await cancelPayment(buyer, payment.id);
      expect([await quantity(0), await quantity(1)]).toEqual([6, 6]);
    }
  }
  const { misses } = await statsOf('best-sellers');
  expect(misses).toBeLessThanOrEqual(4);
});

it('what was loaded before a change is not kept after it', async () => {
  const prefix = '{cache:best-sellers}';
  await operator.get('{ bestSellers { rank } }');
  const [kept] = await world.redis.keys(`${prefix}:0:*`);
  expect(kept).toBe(`${prefix}:0:3`);
  const buyer = await world.buyer(10_000);
  const order = await placeOrder(buyer, { [await makeProduct(operator)]: 1 });
  await payOrder(buyer, order.id);
  expect(await world.redis.get(`${prefix}:generation`)).toBe('1');
  await operator.get('{ bestSellers { rank } }');
  expect(await world.redis.exists(`${prefix}:1:3`)).toBe(1);
  expect(await world.redis.pttl(`${prefix}:1:3`)).toBeGreaterThan(0);
});

it('a price that was changed in the database is told by product and catalogue after two seconds at most', async () => {
  const id = await makeProduct(operator, { name: 'dear', category: 'prices', price: 1_000 });
  const price = async (): Promise<number[]> => {
    const { product } = await operator.get(READ, { id });
    const { products } = await operator.get(
      '{ products(filter: { category: "prices" }) { edges { node { price } } } }',
    );
    return [product.price, ...products.edges.map(({ node }: Data) => node.price)];
  };
  expect(await price()).toEqual([1_000, 1_000]);
  await world.pool.query('update product set price = 1 where id = $1', [id]);
  const key = `{cache:products}:0:${id}`;
  const left = await world.redis.pttl(key);
  expect(left).toBeLessThanOrEqual(2_000);
  expect(left).not.toBe(-1);
  await world.redis.del(key);
  expect(await price()).toEqual([1, 1]);
});

it('who died while loading is not waited for: the others load it themselves', async () => {
  const id = await makeProduct(operator, { name: 'left alone' });
  await world.redis.set(`{cache:products}:0:${id}:lease`, 'somebody who is gone', 'PX', 60_000);
  expect((await operator.get(READ, { id })).product.name).toBe('left alone');
});

it('with Redis away the shop is open: products, best sellers and orders come from PostgreSQL', async () => {
  const id = await makeProduct(operator, { name: 'still here', stock: 5 });
  const buyer = await world.buyer(10_000);
  await world.redisServer.kill();
  try {
    const before = textReads();
    const answers = await Promise.all(Array.from({ length: 100 }, (_, index) => at(index).get(READ, { id })));
    expect(answers.filter(({ product }) => product.name !== 'still here')).toEqual([]);
    expect(textReads(before)).toBeLessThan(20);
    const order = await placeOrder(buyer, { [id]: 1 });
    expect(await payOrder(buyer, order.id)).toMatchObject({ status: 'COMPLETED' });
    const { bestSellers } = await operator.get('{ bestSellers(first: 100) { product { id } } }');
    expect(bestSellers).toContainEqual({ product: { id } });
    expect(await operator.fail('{ cacheStats { hits } }')).toBe('SERVICE_UNAVAILABLE');
  } finally {
    await world.redisServer.start();
  }
});

it('how the caches do is for operators', async () => {
  const buyer = await world.buyer();
  expect(await buyer.fail('{ cacheStats { hits } }')).toBe('FORBIDDEN');
});
