import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Answer, Buyer } from '../support/client.ts';
import { claim, makeCoupon, makeProduct, placeOrder } from '../support/shop.ts';
import { World } from '../support/world.ts';

const ID = '00000000-0000-7000-8000-000000000000';
const HOUR = 3_600_000;
const LITERAL = ['BAD_USER_INPUT', 'GRAPHQL_VALIDATION_FAILED', 'GRAPHQL_PARSE_FAILED'];

let world: World;
let operator: Buyer;
let buyer: Buyer;
let product: string;
let coupon: string;
let issued: string;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  operator = await world.operator();
  product = await makeProduct(operator, { stock: 150 });
  coupon = await makeCoupon(operator);
});
afterAll(() => world.close());
beforeEach(async () => {
  buyer = await world.buyer(5_000);
  issued = (await claim(buyer, await makeCoupon(operator))).id;
});

/** Every row that a mutation of the shop could have left behind. */
async function rows(): Promise<unknown[]> {
  const { rows: found } = await world.pool.query(
    `select (select count(*) from product) as products, (select sum(stock) from product) as stock,
       (select sum(made) from product) as made, (select count(*) from shop_order) as orders,
       (select count(*) from order_line) as lines, (select count(*) from coupon) as coupons,
       (select count(*) from issued_coupon) as issued, (select count(*) from idempotency_key) as keys,
       (select count(*) from payment) as payments, (select count(*) from entry) as entries`,
  );
  return found;
}

/** Refused as the caller's fault, in words of ours, and nothing was written. */
async function expectRefused(ask: () => Promise<Answer>, codes = ['BAD_USER_INPUT']): Promise<void> {
  const before = await rows();
  const { data, errors } = await ask();
  expect(data === null || data === undefined).toBe(true);
  expect(errors?.length).toBeGreaterThan(0);
  for (const { message, extensions } of errors ?? []) {
    expect(codes).toContain(extensions.code);
    expect(message).not.toMatch(/SQL|syntax for type|Cannot read|is not a function/);
  }
  expect(await rows()).toEqual(before);
}

/** The same with a number written as it is, which JSON.stringify would change. */
async function post(who: Buyer, query: string, variables: string): Promise<Answer> {
  const response = await fetch(who.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${who.accessToken}` },
    body: `{"query":${JSON.stringify(query)},"variables":${variables}}`,
  });
  return { status: response.status, ...((await response.json()) as Omit<Answer, 'status'>) };
}

const PLACE = 'mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) { __typename } }';
const RESTOCK = 'mutation ($input: RestockInput!) { restock(input: $input) { __typename } }';
const CREATE_PRODUCT = 'mutation ($input: CreateProductInput!) { createProduct(input: $input) { id } }';
const CREATE_COUPON = 'mutation ($input: CreateCouponInput!) { createCoupon(input: $input) { id } }';

describe('placeOrder takes 1 to 50 lines of 1 to 100 pieces and refuses', () => {
  it.each([
    '0',
    '-1',
    '101',
    '1.5',
    '2147483648',
    '9007199254740992',
    '1e400',
    'null',
    'true',
    '"1"',
    '"1e9"',
    '[1]',
    '{}',
  ])('a quantity of %s, as a variable and as a literal', async (quantity) => {
    const lines = `[{"productId":"${product}","quantity":${quantity}}]`;
    await expectRefused(() => post(buyer, PLACE, `{"input":{"lines":${lines},"idempotencyKey":"k"}}`));
    const literal = `lines: [{ productId: "${product}", quantity: ${quantity} }]`;
    const query = `mutation { placeOrder(input: { ${literal}, idempotencyKey: "k" }) { __typename } }`;
    await expectRefused(() => buyer.ask(query), LITERAL);
  });

  it.each<[string, () => unknown, string?]>([
    ['no lines', () => []],
    ['51 lines', () => Array.from({ length: 51 }, () => ({ productId: product, quantity: 1 }))],
    ['null for the lines', () => null],
    ['null for a line', () => [null]],
    ['a line without a quantity', () => [{ productId: product }]],
    ['a text that is no id', () => [{ productId: 'coffee', quantity: 1 }]],
    ['SQL for an id', () => [{ productId: `'; drop table product; --`, quantity: 1 }]],
    ['an id with NUL', () => [{ productId: `${product}\0`, quantity: 1 }]],
    ['a product that there is not', () => [{ productId: ID, quantity: 1 }], 'NOT_FOUND'],
    ['the id of a coupon', () => [{ productId: coupon, quantity: 1 }], 'NOT_FOUND'],
    [
      'a good line and one of a product that there is not',
      () => [
        { productId: product, quantity: 1 },
        { productId: ID, quantity: 1 },
      ],
      'NOT_FOUND',
    ],
  ])('%s', async (_what, lines, code = 'BAD_USER_INPUT') => {
    await expectRefused(() => buyer.ask(PLACE, { input: { lines: lines(), idempotencyKey: 'k' } }), [code]);
  });

  it('keys and coupons that cannot be', async () => {
    const lines = [{ productId: product, quantity: 1 }];
    for (const idempotencyKey of ['', 'x'.repeat(129), 'a\0b', 'a\nb', 'half \ud83d', null, {}]) {
      await expectRefused(() => buyer.ask(PLACE, { input: { lines, idempotencyKey } }));
    }
    for (const issuedCouponId of ['', 'x', `${issued}x`, {}, 7.5]) {
      await expectRefused(() => buyer.ask(PLACE, { input: { lines, idempotencyKey: 'k', issuedCouponId } }));
    }
    for (const issuedCouponId of [ID, coupon, product]) {
      await expectRefused(
        () => buyer.ask(PLACE, { input: { lines, idempotencyKey: 'k', issuedCouponId } }),
        ['NOT_FOUND'],
      );
    }
  });

  it('two lines of one product that together exceed the stock, in two spellings of its id', async () => {
    const few = await makeProduct(operator, { stock: 3 });
    const lines = [few, few.toUpperCase()].map((productId) => ({ productId, quantity: 2 }));
    const { placeOrder: refused } = await buyer.get(
      `mutation ($lines: [OrderLineInput!]!) { placeOrder(input: { lines: $lines, idempotencyKey: "k" }) {
         ... on InsufficientStock { shortages { productId requested available } } } }`,
      { lines },
    );
    expect(refused).toEqual({ shortages: [{ productId: few, requested: 4, available: 3 }] });
    expect((await world.pool.query('select stock from product where id = $1', [few])).rows).toEqual([{ stock: 3 }]);
  });
});

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

it('pay takes exactly one of a reservation and an order', async () => {
  const { id } = await placeOrder(buyer, { [product]: 1 });
  const pay = 'mutation ($input: PayInput!) { pay(input: $input) { __typename } }';
  for (const payables of [{}, { orderId: id, reservationId: id }, { orderId: null }, { orderId: 'x' }]) {
    await expectRefused(() => buyer.ask(pay, { input: { ...payables, idempotencyKey: 'k' } }));
  }
  await expectRefused(() => buyer.ask(pay, { input: { reservationId: id, idempotencyKey: 'k' } }), ['NOT_FOUND']);
  await expectRefused(() => buyer.ask(pay, { input: { orderId: product, idempotencyKey: 'k' } }), ['NOT_FOUND']);
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
