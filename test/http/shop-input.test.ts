import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Answer, Buyer } from '../support/client.ts';
import { claim, makeCoupon, makeProduct, placeOrder } from '../support/shop.ts';
import { expectShopRefused } from '../support/shop-refused.ts';
import { World } from '../support/world.ts';

const ID = '00000000-0000-7000-8000-000000000000';
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

const expectRefused = (ask: () => Promise<Answer>, codes?: string[]): Promise<void> =>
  expectShopRefused(world.pool, ask, codes);

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

it('pay takes exactly one of a reservation and an order', async () => {
  const { id } = await placeOrder(buyer, { [product]: 1 });
  const pay = 'mutation ($input: PayInput!) { pay(input: $input) { __typename } }';
  for (const payables of [{}, { orderId: id, reservationId: id }, { orderId: null }, { orderId: 'x' }]) {
    await expectRefused(() => buyer.ask(pay, { input: { ...payables, idempotencyKey: 'k' } }));
  }
  await expectRefused(() => buyer.ask(pay, { input: { reservationId: id, idempotencyKey: 'k' } }), ['NOT_FOUND']);
  await expectRefused(() => buyer.ask(pay, { input: { orderId: product, idempotencyKey: 'k' } }), ['NOT_FOUND']);
});
