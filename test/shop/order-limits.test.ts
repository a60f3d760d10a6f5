import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { refundPayment } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { cancelOrder, makeOverdue, makeProduct, payOrder, placeOrder, stockOf } from '../support/shop.ts';
import { World } from '../support/world.ts';

const UPDATE = `mutation ($input: UpdateProductInput!) { updateProduct(input: $input) { ... on Product { name maxPerUser } } }`;

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open({ env: { UNPAID_ORDERS_PER_USER: '3', UNPAID_PIECES_PER_USER: '200' } });
  operator = await world.operator();
});
afterAll(() => world.close());

/** Orders one piece of the product, three times. */
const orderThree = (buyer: Buyer, product: string): Promise<Data[]> =>
  Promise.all([0, 1, 2].map(() => placeOrder(buyer, { [product]: 1 })));

const unpaidOrders = { kind: 'UNPAID_ORDERS', productId: null, limit: 3, has: 3, requested: 1 };

it('a fourth unpaid order is refused with what is unpaid, and takes nothing', async () => {
  const product = await makeProduct(operator);
  const [buyer, other] = (await world.buyers(2)) as [Buyer, Buyer];
  await orderThree(buyer, product);

  const refused = await placeOrder(buyer, { [product]: 1 });

  expect(refused).toMatchObject({ __typename: 'OrderLimit', code: 'ORDER_LIMIT', limits: [unpaidOrders] });
  expect(await stockOf(buyer, product)).toBe(97);
  const { rowCount } = await world.pool.query('select from shop_order where user_id = $1', [buyer.id]);
  expect(rowCount).toBe(3);
  expect(await placeOrder(other, { [product]: 1 })).toMatchObject({ status: 'PLACED' });
});

it.each([
  ['paid for', (buyer: Buyer, id: string) => payOrder(buyer, id)],
  ['cancelled', (buyer: Buyer, id: string) => cancelOrder(buyer, id)],
  ['not paid in time', (_buyer: Buyer, id: string) => makeOverdue(world.pool, id)],
])('there is room again once an order is %s', async (_how, end) => {
  const product = await makeProduct(operator);
  const buyer = await world.buyer(10_000);
  const [first] = await orderThree(buyer, product);
  expect(await placeOrder(buyer, { [product]: 1 })).toMatchObject({ code: 'ORDER_LIMIT' });

  await end(buyer, first.id);

  expect(await placeOrder(buyer, { [product]: 1 })).toMatchObject({ status: 'PLACED' });
  expect(await placeOrder(buyer, { [product]: 1 })).toMatchObject({ code: 'ORDER_LIMIT', limits: [unpaidOrders] });
});

it('the pieces of unpaid orders are counted over all products, and those that are paid for no more', async () => {
  const [one, other] = [
    await makeProduct(operator, { price: 1 }),
    await makeProduct(operator, { stock: null, price: 1 }),
  ];
  const buyer = await world.buyer(1_000);
  const order = await placeOrder(buyer, { [one]: 90, [other]: 60 });

  const refused = await placeOrder(buyer, { [one]: 1, [other]: 50 });

  const limit = { kind: 'UNPAID_PIECES', productId: null, limit: 200, has: 150, requested: 51 };
  expect(refused).toMatchObject({ code: 'ORDER_LIMIT', limits: [limit] });
  expect(await stockOf(buyer, one)).toBe(10);
  await payOrder(buyer, order.id);
  expect(await placeOrder(buyer, { [one]: 1, [other]: 50 })).toMatchObject({ status: 'PLACED' });
});

it('maxPerUser counts what was bought and what is ordered, in all lines, for each user apart', async () => {
  const product = await makeProduct(operator, { maxPerUser: 4 });
  const [buyer, other] = (await world.buyers(2, 100_000)) as [Buyer, Buyer];
  await payOrder(buyer, (await placeOrder(buyer, { [product]: 2 })).id);
  await placeOrder(buyer, { [product]: 1 });

  const lines = [1, 1].map((quantity) => ({ productId: product, quantity }));
  const query = `mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) {
    ... on OrderLimit { limits { kind productId limit has requested } } } }`;
  const { limits } = (await buyer.get(query, { input: { lines, idempotencyKey: randomUUID() } })).placeOrder;

  expect(limits).toEqual([{ kind: 'PIECES_OF_PRODUCT', productId: product, limit: 4, has: 3, requested: 2 }]);
  expect(await placeOrder(buyer, { [product]: 1 })).toMatchObject({ status: 'PLACED' });
  expect(await placeOrder(other, { [product]: 4 })).toMatchObject({ status: 'PLACED' });
});

it('pieces that were given back leave room for as many, of a product made to order too', async () => {
  const product = await makeProduct(operator, { stock: null, maxPerUser: 3 });
  const buyer = await world.buyer(100_000);
  const order = await placeOrder(buyer, { [product]: 3 });
  const { id } = await payOrder(buyer, order.id);
  expect(await placeOrder(buyer, { [product]: 1 })).toMatchObject({ code: 'ORDER_LIMIT' });

  await refundPayment(operator, id, { lines: [{ lineNo: 1, quantity: 2 }] });

  expect(await placeOrder(buyer, { [product]: 3 })).toMatchObject({ code: 'ORDER_LIMIT', limits: [{ has: 1 }] });
  expect(await placeOrder(buyer, { [product]: 2 })).toMatchObject({ status: 'PLACED' });
});

it('every limit that an order goes beyond is named, before a shortage of stock is', async () => {
  const product = await makeProduct(operator, { maxPerUser: 1, stock: 5 });
  const coffee = await makeProduct(operator, { stock: null });
  const buyer = await world.buyer();
  await orderThree(buyer, coffee);

  const { __typename, limits } = await placeOrder(buyer, { [product]: 100, [coffee]: 100 });

  expect(__typename).toBe('OrderLimit');
  expect(limits.map(({ kind }: Data) => kind)).toEqual(['UNPAID_ORDERS', 'UNPAID_PIECES', 'PIECES_OF_PRODUCT']);
});

it('of 40 orders of one user at once, over two processes, the limit leaves three, and one of a product for one', async () => {
  const [scarce, coffee] = [
    await makeProduct(operator, { stock: null, maxPerUser: 1 }),
    await makeProduct(operator, { stock: null }),
  ];
  const [buyer, other] = (await world.buyers(2)) as [Buyer, Buyer];
  const rush = (by: Buyer, product: string): Promise<Data[]> =>
    Promise.all(
      Array.from({ length: 40 }, (_, index) => placeOrder(by.at(world.urls[index % 2] as string), { [product]: 1 })),
    );

  const [many, one] = await Promise.all([rush(buyer, coffee), rush(other, scarce)]);

  expect(many.filter(({ status }) => status === 'PLACED')).toHaveLength(3);
  expect(one.filter(({ status }) => status === 'PLACED')).toHaveLength(1);
});

it('a key that was answered is answered the same at the limit, an order as well as a refusal', async () => {
  const product = await makeProduct(operator);
  const buyer = await world.buyer();
  const [placedKey, refusedKey] = [randomUUID(), randomUUID()];
  const { id } = await placeOrder(buyer, { [product]: 1 }, { idempotencyKey: placedKey });
  await placeOrder(buyer, { [product]: 1 });
  await placeOrder(buyer, { [product]: 1 });
  const refused = await placeOrder(buyer, { [product]: 1 }, { idempotencyKey: refusedKey });
  expect(refused).toMatchObject({ code: 'ORDER_LIMIT' });

  await cancelOrder(buyer, id);

  expect(await placeOrder(buyer, { [product]: 1 }, { idempotencyKey: placedKey })).toMatchObject({ id });
  expect(await placeOrder(buyer, { [product]: 1 }, { idempotencyKey: refusedKey })).toEqual(refused);
  expect(await stockOf(buyer, product)).toBe(98);
});

it('an operator sets, changes and lifts maxPerUser; what is out of bounds changes nothing', async () => {
  const id = await makeProduct(operator, { maxPerUser: 2 });
  const read = async (): Promise<Data> => (await operator.get(`{ product(id: "${id}") { name maxPerUser } }`)).product;
  const change = async (input: object): Promise<Data> =>
    (await operator.get(UPDATE, { input: { id, ...input } })).updateProduct;
  expect(await read()).toEqual({ name: 'a thing', maxPerUser: 2 });
  expect(await change({ name: 'another' })).toEqual({ name: 'another', maxPerUser: 2 });
  expect(await change({ maxPerUser: 5 })).toEqual({ name: 'another', maxPerUser: 5 });
  for (const maxPerUser of [0, -1, 1_000_001]) {
    expect(await operator.fail(UPDATE, { input: { id, maxPerUser } })).toBe('BAD_USER_INPUT');
  }
  expect(await read()).toEqual({ name: 'another', maxPerUser: 5 });
  expect(await change({ maxPerUser: null })).toEqual({ name: 'another', maxPerUser: null });
  const buyer = await world.buyer();
  expect(await placeOrder(buyer, { [id]: 50 })).toMatchObject({ status: 'PLACED' });
  const { settings } = await buyer.get('{ settings { unpaidOrdersPerUser unpaidPiecesPerUser } }');
  expect(settings).toEqual({ unpaidOrdersPerUser: 3, unpaidPiecesPerUser: 200 });
});
