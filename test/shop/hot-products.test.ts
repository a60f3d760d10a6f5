import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { violationsOf } from '../support/builders.ts';
import type { Answer, Buyer, Data } from '../support/client.ts';
import { claim, makeCoupon, makeProduct, readOrder, stockOf } from '../support/shop.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

const PLACE = `mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) { __typename
  ... on Order { id status total lines { lineNo product { id } } } ... on Problem { code } } }`;

function ask(buyer: Buyer, productIds: string[], input: Data = {}): Promise<Answer> {
  const lines = productIds.map((productId) => ({ productId, quantity: 1 }));
  return buyer.ask(PLACE, { input: { lines, idempotencyKey: randomUUID(), ...input } });
}

it.each([
  ['one process', 1],
  ['two processes', 2],
])('300 buyers of one product at once over %s all get an Order, and the stock is exact', async (_name, processes) => {
  const product = await makeProduct(operator, { stock: 1_000 });
  const buyers = (await world.buyers(300)).map((buyer, index) => buyer.at(world.urls[index % processes] as string));
  const answers = await Promise.all(buyers.map((buyer) => ask(buyer, [product])));
  const orders = answers.flatMap(({ data }) => (data?.placeOrder.status === 'PLACED' ? [data.placeOrder.id] : []));
  expect(new Set(orders).size).toBe(300);
  expect(await stockOf(operator, product)).toBe(700);
  expect(await readOrder(buyers[7] as Buyer, answers[7]?.data.placeOrder.id)).toMatchObject({ total: 1_000 });
  expect(await violationsOf(operator)).toEqual({});
});

it('200 buyers who each put a product of their own before the one that all want all get an Order', async () => {
  const others = await Promise.all(Array.from({ length: 20 }, () => makeProduct(operator, { stock: 10 })));
  const hot = await makeProduct(operator, { stock: 1_000 });
  const buyers = await world.buyers(200);
  const baskets = buyers.map((_buyer, index) => [others[index % 20] as string, hot]);
  const answers = await Promise.all(buyers.map((buyer, index) => ask(buyer, baskets[index] as string[])));
  for (const [index, { data }] of answers.entries()) {
    const lines = (baskets[index] as string[]).map((id, line) => ({ lineNo: line + 1, product: { id } }));
    expect(data?.placeOrder).toMatchObject({ status: 'PLACED', lines });
  }
  expect(await stockOf(operator, hot)).toBe(800);
  expect(await Promise.all(others.map((id) => stockOf(operator, id)))).toEqual(others.map(() => 0));
  expect(await violationsOf(operator)).toEqual({});
});

it('of orders placed together each has its own answer: what is wrong with one undoes no other, and takes nothing', async () => {
  const product = await makeProduct(operator, { stock: 25 });
  const [buyer, other] = (await world.buyers(2)).map((one) => one.at(operator.url)) as [Buyer, Buyer];
  const mine = (await claim(buyer, await makeCoupon(operator))).id;
  const [foreign, dear] = await Promise.all([
    claim(other, await makeCoupon(operator)),
    claim(buyer, await makeCoupon(operator, { minimumSubtotal: 1_001 })),
  ]);
  const rounds = Array.from({ length: 20 }, () => [
    ask(buyer, [product]),
    ask(buyer, [product], { issuedCouponId: mine }),
    ask(buyer, [product], { issuedCouponId: foreign.id }),
    ask(buyer, [product], { issuedCouponId: dear.id }),
    ask(buyer, [product, randomUUID()]),
    ask(buyer, [product], { idempotencyKey: 'one wish' }),
  ]);
  const answers = await Promise.all(rounds.flat());
  const kinds = answers.map(({ data, errors }) => errors?.[0]?.extensions.code ?? data.placeOrder.code ?? 'Order');
  const of = (nth: number): string[] => kinds.filter((_kind, index) => index % 6 === nth);
  expect(of(0)).toEqual(Array(20).fill('Order'));
  expect(of(1).filter((kind) => kind === 'Order')).toHaveLength(1);
  expect(of(1).filter((kind) => kind === 'COUPON_NOT_USABLE')).toHaveLength(19);
  expect(of(2)).toEqual(Array(20).fill('NOT_FOUND'));
  expect(of(3)).toEqual(Array(20).fill('COUPON_NOT_USABLE'));
  expect(of(4)).toEqual(Array(20).fill('NOT_FOUND'));
  const replays = answers.filter((_answer, index) => index % 6 === 5).map(({ data }) => data.placeOrder.id);
  expect(new Set(replays).size).toBe(1);
  expect(await stockOf(operator, product)).toBe(3);
  const { rows } = await world.pool.query('select count(*)::int as orders from shop_order where user_id = $1', [
    buyer.id,
  ]);
  expect(rows).toEqual([{ orders: 22 }]);
  expect(await violationsOf(operator)).toEqual({});
});

it('a key whose order failed among others that were placed may be asked again, with other input too', async () => {
  const product = await makeProduct(operator, { stock: 20 });
  const buyer = (await world.buyer()).at(operator.url);
  const keys = Array.from({ length: 10 }, (_, index) => `key ${index}`);
  const answers = await Promise.all(
    keys.flatMap((idempotencyKey) => [
      ask(buyer, [product]),
      ask(buyer, [product], { idempotencyKey, issuedCouponId: randomUUID() }),
    ]),
  );
  expect(answers.filter(({ data }) => data?.placeOrder.status === 'PLACED')).toHaveLength(10);
  expect(answers.filter(({ errors }) => errors?.[0]?.extensions.code === 'NOT_FOUND')).toHaveLength(10);
  expect(await stockOf(operator, product)).toBe(10);
  const again = await Promise.all(keys.map((idempotencyKey) => ask(buyer, [product], { idempotencyKey })));
  expect(again.filter(({ data }) => data?.placeOrder.status === 'PLACED')).toHaveLength(10);
  expect(await stockOf(operator, product)).toBe(0);
});
