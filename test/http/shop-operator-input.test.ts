import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer, Buyer } from '../support/client.ts';
import { makeProduct } from '../support/shop.ts';
import { expectShopRefused } from '../support/shop-refused.ts';
import { World } from '../support/world.ts';

const ID = '00000000-0000-7000-8000-000000000000';
const HOUR = 3_600_000;

let world: World;
let operator: Buyer;
let buyer: Buyer;
let product: string;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  operator = await world.operator();
  buyer = await world.buyer();
  product = await makeProduct(operator, { stock: 150 });
});
afterAll(() => world.close());

const expectRefused = (ask: () => Promise<Answer>, codes?: string[]): Promise<void> =>
  expectShopRefused(world.pool, ask, codes);

const RESTOCK = 'mutation ($input: RestockInput!) { restock(input: $input) { __typename } }';
const CREATE_PRODUCT = 'mutation ($input: CreateProductInput!) { createProduct(input: $input) { id } }';
const CREATE_COUPON = 'mutation ($input: CreateCouponInput!) { createCoupon(input: $input) { id } }';

describe('what operators make is refused when it cannot be', () => {
  const product_ = { name: 'a', category: 'b', price: 1 };
  it.each([
    { name: '' },
    { name: 'x'.repeat(201) },
    { name: 'a\0b' },
    { name: 'half \ud83d' },
    { description: 'x'.repeat(10_001) },
    { category: '' },
    { category: 'x'.repeat(101) },
    { price: -1 },
    { price: 1.5 },
    { price: '100' },
    { price: 1_000_000_001 },
    { stock: -1 },
    { stock: 1_000_000_001 },
    { stock: 2 ** 31 },
    { stock: 1.5 },
  ])('a product with %j', async (wrong) => {
    await expectRefused(() => operator.ask(CREATE_PRODUCT, { input: { ...product_, ...wrong } }));
  });

  it.each([0, -1_000_000_001, 1_000_000_001, 2 ** 31, 1.5, '5', null])('a restock by %j', async (quantity) => {
    const input = { productId: product, quantity, idempotencyKey: 'k' };
    await expectRefused(() => operator.ask(RESTOCK, { input }));
  });

  it('a restock of a product that there is not, and one that makes more than there can be', async () => {
    await expectRefused(
      () => operator.ask(RESTOCK, { input: { productId: ID, quantity: 1, idempotencyKey: 'k' } }),
      ['NOT_FOUND'],
    );
    const input = { productId: product, quantity: 1_000_000_000, idempotencyKey: 'k' };
    await expectRefused(() => operator.ask(RESTOCK, { input }));
  });

  it.each([
    { name: '' },
    { value: 0 },
    { value: -1 },
    { value: 1.5 },
    { value: 1_000_000_001 },
    { discountKind: 'PERCENT', value: 101 },
    { discountKind: 'HALF' },
    { minimumSubtotal: -1 },
    { quantity: 0 },
    { quantity: -1 },
    { quantity: 1_000_001 },
    { quantity: 2 ** 31 },
    { endsAt: new Date(Date.now() - 2 * HOUR) },
    { startsAt: 'tomorrow' },
  ])('a coupon with %j', async (wrong) => {
    const now = Date.now();
    const good = { name: 'c', discountKind: 'FIXED', value: 1, quantity: 1 };
    const times = { startsAt: new Date(now - HOUR), endsAt: new Date(now + HOUR) };
    await expectRefused(() => operator.ask(CREATE_COUPON, { input: { ...good, ...times, ...wrong } }));
  });

  it('whatever it is, when a buyer asks for it', async () => {
    const input = { productId: product, quantity: 1, idempotencyKey: 'k' };
    await expectRefused(() => buyer.ask(RESTOCK, { input }), ['FORBIDDEN']);
    await expectRefused(() => buyer.ask(CREATE_PRODUCT, { input: product_ }), ['FORBIDDEN']);
  });
});

it.each([
  ['SQL', `Robert'); drop table product; --`],
  ['emoji of several code points', '👩‍👩‍👧‍👦 at the 🎟️ gate 🇰🇷'],
  ['right-to-left text and marks', '\u202eevil\u202c \u200fשלום العالم\u200e'],
  ['a ligature that grows when it is folded', '\ufdfa'.repeat(200)],
  ['a long word', 'x'.repeat(200)],
  ['what looks like a search', `a & b | !c:* <-> 'd'`],
])('text that is %s is stored exactly, and found again', async (_what, text) => {
  const { createProduct } = await operator.get(CREATE_PRODUCT, {
    input: { ...{ category: text.slice(0, 50), price: 1 }, name: text, description: text },
  });
  const { product: read } = await operator.get(`{ product(id: "${createProduct.id}") { name description category } }`);
  expect(read).toEqual({ name: text, description: text, category: text.slice(0, 50) });
  const { products } = await operator.get(
    'query ($search: String) { products(filter: { search: $search }, sort: NAME) { edges { node { id } } } }',
    { search: text },
  );
  expect(products.edges).toContainEqual({ node: { id: createProduct.id } });
});
