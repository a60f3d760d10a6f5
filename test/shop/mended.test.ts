import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cancelPayment, eventually, violationsOf } from '../support/builders.ts';
import { type Buyer, type Data, post } from '../support/client.ts';
import { faultOf, readStream } from '../support/events.ts';
import {
  makeProduct,
  orderWhileWithdrawn,
  payOrder,
  placeOrder,
  readOrder,
  restock,
  stockOf,
} from '../support/shop.ts';
import { World } from '../support/world.ts';

const FIELDS = 'id name description category price stock';
const UPDATE = `mutation ($input: UpdateProductInput!) { updateProduct(input: $input) {
  __typename ... on Product { ${FIELDS} } ... on Withdrawn { ids } ... on Problem { code } } }`;
const WITHDRAW = `mutation ($input: WithdrawProductInput!) { withdrawProduct(input: $input) { id withdrawnAt } }`;
const READ = `query ($id: ID!) { product(id: $id) { ${FIELDS} } }`;
const FIND = `query ($search: String, $sort: ProductSort!) { products(filter: { search: $search }, sort: $sort, first: 100) {
  edges { node { id name } } } }`;

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

const there = (): Buyer => operator.at(world.urls[1] as string);
const mend = async (input: object): Promise<Data> => (await operator.get(UPDATE, { input })).updateProduct;
const withdraw = async (id: string): Promise<Data> => (await operator.get(WITHDRAW, { input: { id } })).withdrawProduct;
const read = async (asking: Buyer, id: string): Promise<Data> => (await asking.get(READ, { id })).product;
const find = async (asking: Buyer, search: string): Promise<string[]> =>
  (await asking.get(FIND, { search, sort: 'NAME' })).products.edges.map(({ node }: Data) => node.name);
const bestSellers = async (asking: Buyer): Promise<string[]> =>
  (await asking.get('{ bestSellers(days: 1, first: 100) { product { id } } }')).bestSellers.map(
    ({ product }: Data) => product.id,
  );

it('a mended product is told, found and sorted by what it says now, at once and at every process', async () => {
  for (const stock of [100, null]) {
    const mark = `m${randomUUID().slice(0, 8)}`;
    const id = await makeProduct(operator, { name: `${mark} Zebra`, description: 'striped', stock });
    await makeProduct(operator, { name: `${mark} Moth` });
    expect(await find(there(), 'striped')).toContain(`${mark} Zebra`);
    expect(await mend({ id, name: `${mark} Ant`, description: 'small', price: 7 })).toMatchObject({
      name: `${mark} Ant`,
    });
    const now = { id, name: `${mark} Ant`, description: 'small', category: 'things', price: 7, stock };
    expect([await read(operator, id), await read(there(), id)]).toEqual([now, now]);
    expect(await find(there(), mark)).toEqual([`${mark} Ant`, `${mark} Moth`]);
    expect(await find(there(), `${mark} striped`)).toEqual([]);
  }
});

it('an order keeps its price, a later one has the new price, and the stock is as it was', async () => {
  const id = await makeProduct(operator, { price: 500, stock: 10 });
  const buyer = await world.buyer(10_000);
  const before = await placeOrder(buyer, { [id]: 2 });
  await mend({ id, price: 900 });
  const after = await placeOrder(buyer, { [id]: 1 });
  expect([(await readOrder(buyer, before.id)).total, after.total]).toEqual([1_000, 900]);
  expect(await payOrder(buyer, before.id)).toMatchObject({ status: 'COMPLETED', amount: 1_000 });
  expect(await stockOf(buyer, id)).toBe(7);
  expect(await violationsOf(operator)).toEqual({});
});

it('a withdrawn product is hidden from buyers and not ordered; operators see it', async () => {
  const mark = `w${randomUUID().slice(0, 8)}`;
  const [id, other] = [await makeProduct(operator, { name: mark }), await makeProduct(operator)];
  const buyer = await world.buyer(10_000);
  await payOrder(buyer, (await placeOrder(buyer, { [id]: 1 })).id);
  expect(await bestSellers(buyer)).toContain(id);
  const { withdrawnAt } = await withdraw(id);
  expect(Date.parse(withdrawnAt)).not.toBeNaN();
  for (const asking of [buyer, buyer.at(world.urls[1] as string)]) {
    expect([await read(asking, id), await find(asking, mark)]).toEqual([null, []]);
    expect(await bestSellers(asking)).not.toContain(id);
  }
  expect((await post(world.urls[0] as string, READ, { id })).data.product).toBeNull();
  expect([(await read(there(), id)).name, await find(there(), mark)]).toEqual([mark, [mark]]);
  const key = randomUUID();
  for (let time = 0; time < 2; time++) {
    const refused = await placeOrder(buyer, { [other]: 1, [id]: 1 }, { idempotencyKey: key });
    expect(refused).toMatchObject({ __typename: 'Withdrawn', code: 'WITHDRAWN', ids: [id] });
  }
  expect(await stockOf(buyer, other)).toBe(100);
  expect(await withdraw(id)).toEqual({ id, withdrawnAt });
  expect(await mend({ id, price: 1 })).toEqual({ __typename: 'Withdrawn', code: 'WITHDRAWN', ids: [id] });
  expect((await read(operator, id)).price).toBe(1_000);
  const { errors } = await buyer.ask(`{ products(first: 1) { edges { node { withdrawnAt } } } }`);
  expect(errors?.[0]?.extensions.code).toBe('FORBIDDEN');
});

it('orders placed before a withdrawal are shown, paid and refunded; what is made to order is withdrawn alike', async () => {
  const buyer = await world.buyer(10_000);
  for (const stock of [5, null]) {
    const id = await makeProduct(operator, { name: 'leaving', stock });
    const order = await placeOrder(buyer, { [id]: 2 });
    await withdraw(id);
    expect(await placeOrder(buyer, { [id]: 1 })).toMatchObject({ code: 'WITHDRAWN', ids: [id] });
    const paid = await payOrder(buyer, order.id);
    expect(paid).toMatchObject({ status: 'COMPLETED' });
    const lines = `query ($id: ID!) { order(id: $id) { status lines { product { id name } } } }`;
    const shown = { status: 'PAID', lines: [{ product: { id, name: 'leaving' } }] };
    expect((await buyer.get(lines, { id: order.id })).order).toEqual(shown);
    expect(await cancelPayment(buyer, paid.id)).toMatchObject({ status: 'CANCELLED' });
    expect((await read(operator, id)).stock).toBe(stock);
  }
  expect(await violationsOf(operator)).toEqual({});
});

it('of a product with a stock nothing is ordered after its withdrawal, also by who is ordering at that moment', async () => {
  for (let round = 0; round < 6; round++) expect(await orderWhileWithdrawn(world, operator)).toBe(0);
  expect(await violationsOf(operator)).toEqual({});
});

it('changes of products are told to other systems, each as its schema says', async () => {
  const id = await makeProduct(operator);
  await mend({ id, price: 3 });
  const { withdrawnAt } = await withdraw(id);
  await withdraw(id);
  let events: Data[] = [];
  await eventually(async () => {
    events = (await readStream(world.redis)).filter(({ subject }) => subject === id);
    return events.length >= 2;
  });
  expect(events.map(({ type, data }) => [type, data])).toEqual([
    ['product.changed.v1', { productId: id, price: 3 }],
    ['product.withdrawn.v1', { productId: id, withdrawnAt }],
  ]);
  expect(events.map(faultOf)).toEqual([undefined, undefined]);
});

it('what cannot be a product is BAD_USER_INPUT, what is unknown NOT_FOUND, and nothing changes', async () => {
  const id = await makeProduct(operator);
  const before = await read(operator, id);
  const wrong = [
    ...[{ name: '' }, { name: null }, { name: 'n'.repeat(201) }, { description: 'a\0b' }, { description: null }],
    ...[{ category: '' }, { category: null }, { price: -1 }, { price: 1_000_000_001 }, { price: null }, { price: 1.5 }],
  ];
  for (const input of wrong)
    expect([input, await operator.fail(UPDATE, { input: { id, ...input } })]).toEqual([input, 'BAD_USER_INPUT']);
  expect(await operator.fail(UPDATE, { input: { id: randomUUID(), price: 1 } })).toBe('NOT_FOUND');
  expect(await operator.fail(WITHDRAW, { input: { id: randomUUID() } })).toBe('NOT_FOUND');
  expect(await operator.fail(WITHDRAW, { input: { id: 'x' } })).toBe('BAD_USER_INPUT');
  expect(await read(operator, id)).toEqual(before);
  const coffee = await makeProduct(operator, { stock: null });
  await Promise.allSettled([mend({ id: coffee, price: 2 }), operator.fail(UPDATE, { input: { id, price: -1 } })]);
  await expect(restock(operator, coffee, -1)).rejects.toThrow('BAD_USER_INPUT');
});
