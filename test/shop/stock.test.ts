import { afterAll, beforeAll, expect, it } from 'vitest';
import { violationsOf } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { cancelOrder, makeOverdue, makeProduct, placeOrder, readOrder, restock, stockOf } from '../support/shop.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

it('of 30 pieces that 40 buyers want at once over two processes exactly 30 are sold, and the others hear how many are left', async () => {
  const product = await makeProduct(operator, { stock: 30 });
  const buyers = await world.buyers(40);
  const answers = await Promise.all(buyers.map((buyer) => placeOrder(buyer, { [product]: 1 })));
  expect(answers.filter(({ status }) => status === 'PLACED')).toHaveLength(30);
  const refused = answers.filter(({ __typename }) => __typename === 'InsufficientStock');
  expect(refused).toHaveLength(10);
  for (const { shortages } of refused) expect(shortages).toEqual([{ productId: product, requested: 1, available: 0 }]);
  expect(await stockOf(operator, product)).toBe(0);
  expect(await violationsOf(operator)).toEqual({});
});

it('200 orders of two products in opposite orders: none is refused, and there is no deadlock', async () => {
  const [a, b] = [await makeProduct(operator, { stock: 1_000 }), await makeProduct(operator, { stock: 1_000 })];
  const buyers = await world.buyers(20);
  for (let round = 0; round < 5; round++) {
    const orders = Array.from({ length: 40 }, (_, index) => {
      const buyer = (buyers[index % 20] as Buyer).at(world.urls[index % 2] as string);
      return placeOrder(buyer, index % 2 === 0 ? { [a]: 1, [b]: 2 } : { [b]: 2, [a]: 1 });
    });
    const answers: Data[] = await Promise.all(orders);
    expect(answers.filter(({ status }) => status !== 'PLACED')).toEqual([]);
  }
  // Deadlocks are counted by World.close.
  expect([await stockOf(operator, a), await stockOf(operator, b)]).toEqual([800, 600]);
});

it('orders, cancellations, lapses and restocks that cross each other leave every piece accounted for', async () => {
  const products = await Promise.all([5, 8, 13].map((stock) => makeProduct(operator, { stock })));
  const buyers = await world.buyers(12);
  const work = async (buyer: Buyer, index: number): Promise<void> => {
    for (let round = 0; round < 6; round++) {
      const [one, other] = [products[(index + round) % 3] as string, products[(index + 2 * round + 1) % 3] as string];
      const order = await placeOrder(buyer, { [one]: 1, [other]: 1 + (round % 3) });
      if (order.__typename !== 'Order') continue;
      if (index % 3 === 0) await makeOverdue(world.pool, order.id);
      const elsewhere = buyer.at(world.urls[round % 2] as string);
      if (index % 3 < 2) await Promise.all([cancelOrder(buyer, order.id), cancelOrder(elsewhere, order.id)]);
    }
  };
  const restocks = [1, 2, 3, -1].map((quantity, index) => restock(operator, products[index % 3] as string, quantity));
  await Promise.all([...buyers.map(work), ...restocks]);
  expect(await violationsOf(operator)).toEqual({});
});

it('an order takes all or nothing, and tells every shortage, lines of one product together', async () => {
  const [few, some, plenty] = await Promise.all([2, 5, 50].map((stock) => makeProduct(operator, { stock })));
  const buyer = await world.buyer();
  const lines = [
    { productId: plenty, quantity: 1 },
    { productId: few, quantity: 2 },
    { productId: some, quantity: 6 },
    { productId: few, quantity: 1 },
  ];
  const { placeOrder: refused } = await buyer.get(
    `mutation ($lines: [OrderLineInput!]!) { placeOrder(input: { lines: $lines, idempotencyKey: "k" }) {
       ... on InsufficientStock { code shortages { productId requested available } } } }`,
    { lines },
  );
  expect(refused.code).toBe('INSUFFICIENT_STOCK');
  expect(refused.shortages).toHaveLength(2);
  expect(refused.shortages).toContainEqual({ productId: few, requested: 3, available: 2 });
  expect(refused.shortages).toContainEqual({ productId: some, requested: 6, available: 5 });
  expect(await Promise.all([few, some, plenty].map((id) => stockOf(buyer, id as string)))).toEqual([2, 5, 50]);
  expect((await world.pool.query('select from shop_order where user_id = $1', [buyer.id])).rowCount).toBe(0);
});

it('prices are fixed when the order is placed, and lines stay as they were asked for', async () => {
  const product = await makeProduct(operator, { price: 300 });
  const buyer = await world.buyer();
  const { id } = await placeOrder(buyer, { [product]: 3 });
  await world.pool.query('update product set price = 999 where id = $1', [product]);
  expect(await readOrder(buyer, id)).toMatchObject({
    status: 'PLACED',
    subtotal: 900,
    discount: 0,
    total: 900,
    coupon: null,
    payment: null,
    lines: [{ lineNo: 1, quantity: 3, unitPrice: 300, amount: 900, product: { id: product } }],
  });
});

it('what is made to order never runs out, and orders of it do not wait for each other', async () => {
  const coffee = await makeProduct(operator, { name: 'a coffee', stock: null });
  const buyers = await world.buyers(20);
  const answers = await Promise.all(buyers.map((buyer) => placeOrder(buyer, { [coffee]: 100 })));
  expect(answers.filter(({ status }) => status === 'PLACED')).toHaveLength(20);
  const { product } = await operator.get(`{ product(id: "${coffee}") { stock soldOut } }`);
  expect(product).toEqual({ stock: null, soldOut: false });
});

it('an order that was not paid in time reads CANCELLED at once, also before the sweep, and its stock comes back once', async () => {
  const product = await makeProduct(operator, { stock: 3 });
  const [late, next] = (await world.buyers(2)) as [Buyer, Buyer];
  const { id } = await placeOrder(late, { [product]: 3 });
  await makeOverdue(world.pool, id);
  expect((await readOrder(late, id)).status).toBe('CANCELLED');
  expect(await placeOrder(next, { [product]: 2 })).toMatchObject({ status: 'PLACED' });
  expect(await cancelOrder(late, id)).toMatchObject({ __typename: 'Order', status: 'CANCELLED' });
  expect(await stockOf(next, product)).toBe(1);
  const { orders } = await late.get('{ orders { edges { node { id status } } } }');
  expect(orders.edges).toEqual([{ node: { id, status: 'CANCELLED' } }]);
});

it('20 cancellations of one order at once give its stock back once', async () => {
  const product = await makeProduct(operator, { stock: 10 });
  const buyer = await world.buyer();
  const { id } = await placeOrder(buyer, { [product]: 4 });
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) => cancelOrder(buyer.at(world.urls[index % 2] as string), id)),
  );
  expect(answers.filter(({ status }) => status === 'CANCELLED')).toHaveLength(20);
  expect(await stockOf(buyer, product)).toBe(10);
});

it('one key sent 50 times at once places one order, and every answer is that order', async () => {
  const product = await makeProduct(operator, { stock: 60 });
  const buyer = await world.buyer();
  const answers: Data[] = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      placeOrder(buyer.at(world.urls[index % 2] as string), { [product]: 1 }, { idempotencyKey: 'one' }),
    ),
  );
  expect(new Set(answers.map(({ id, status }) => `${id} ${status}`)).size).toBe(1);
  expect(await stockOf(buyer, product)).toBe(59);
  expect(await placeOrder(buyer, { [product]: 2 }, { idempotencyKey: 'one' })).toMatchObject({
    __typename: 'Refusal',
    code: 'IDEMPOTENCY_CONFLICT',
  });
  const other = await world.buyer();
  expect(await placeOrder(other, { [product]: 1 }, { idempotencyKey: 'one' })).toMatchObject({ status: 'PLACED' });
  expect(await stockOf(buyer, product)).toBe(58);
});

it('a refusal replays under its key, also when there is stock by then', async () => {
  const product = await makeProduct(operator, { stock: 0 });
  const buyer = await world.buyer();
  const refused = await placeOrder(buyer, { [product]: 1 }, { idempotencyKey: 'k' });
  expect(refused).toMatchObject({ __typename: 'InsufficientStock' });
  await restock(operator, product, 5);
  expect(await placeOrder(buyer, { [product]: 1 }, { idempotencyKey: 'k' })).toEqual(refused);
  expect(await stockOf(buyer, product)).toBe(5);
});

it('restocking adds and takes away once for each key, never below zero', async () => {
  const product = await makeProduct(operator, { stock: 5 });
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) => restock(operator.at(world.urls[index % 2] as string), product, 7, 'more')),
  );
  for (const answer of answers) expect(answer).toMatchObject({ __typename: 'Product', id: product });
  expect(await stockOf(operator, product)).toBe(12);
  expect(await restock(operator, product, -13)).toMatchObject({
    __typename: 'InsufficientStock',
    shortages: [{ productId: product, requested: 13, available: 12 }],
  });
  expect(await restock(operator, product, -12)).toMatchObject({ stock: 0, soldOut: true });
  expect(await restock(operator, product, 8, 'more')).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' });
  expect(await violationsOf(operator)).toEqual({});
});

it('what is made to order has no stock to add to', async () => {
  const coffee = await makeProduct(operator, { stock: null });
  const query = 'mutation ($input: RestockInput!) { restock(input: $input) { __typename } }';
  expect(await operator.fail(query, { input: { productId: coffee, quantity: 1, idempotencyKey: 'c' } })).toBe(
    'BAD_USER_INPUT',
  );
});
