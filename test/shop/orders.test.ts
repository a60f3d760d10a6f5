import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Buyer, Data } from '../support/client.ts';
import { claim, makeCoupon, makeProduct, payOrder, placeOrder } from '../support/shop.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
let buyer: Buyer;
const placed: string[] = [];
beforeAll(async () => {
  world = await World.open({ processes: 1, preload: './count-sql.ts' });
  operator = await world.operator();
  buyer = await world.buyer(100_000);
  const [one, other] = [await makeProduct(operator), await makeProduct(operator)];
  for (let index = 0; index < 12; index++) {
    const issued = index % 3 === 0 ? (await claim(buyer, await makeCoupon(operator))).id : undefined;
    const order = await placeOrder(buyer, { [one]: 1, [other]: 2 }, issued && { issuedCouponId: issued });
    if (index % 2 === 0) await payOrder(buyer, order.id);
    placed.unshift(order.id);
  }
});
afterAll(() => world.close());

const QUERY = `query ($first: Int! = 20, $after: String) { orders(first: $first, after: $after) {
  edges { node { id status lines { lineNo product { name stock soldOut } } coupon { serial status coupon { name } } payment { amount } } }
  pageInfo { hasNextPage endCursor } } }`;

function statements(): string[] {
  return (world.processes[0]?.messages ?? []).map(({ value }) => String(value));
}

it('orders come newest first, in pages that have each of them once', async () => {
  const seen: string[] = [];
  for (let after: string | null = null; ; ) {
    const { orders }: Data = await buyer.get(QUERY, { first: 5, after });
    seen.push(...orders.edges.map(({ node }: Data) => node.id));
    if (!orders.pageInfo.hasNextPage) break;
    after = orders.pageInfo.endCursor;
  }
  expect(seen).toEqual(placed);
  for (const variables of [{ first: 0 }, { first: 101 }, { after: 'x' }]) {
    expect(await buyer.fail(QUERY, variables)).toBe('BAD_USER_INPUT');
  }
});

it('what is nested in a page of orders is read for all of them at once', async () => {
  const before = statements().length;
  const { orders } = await buyer.get(QUERY);
  expect(orders.edges).toHaveLength(12);
  expect(orders.edges.filter(({ node }: Data) => node.payment)).toHaveLength(6);
  expect(orders.edges.filter(({ node }: Data) => node.coupon?.status === 'USED')).toHaveLength(4);
  const own = statements()
    .slice(before)
    .filter((text) => /from "?(shop_order|order_line|product|issued_coupon|coupon|payment)\b/.test(text))
    .filter((text) => !text.includes('for update') && !text.includes('limit 1'));
  expect(own.length).toBeLessThanOrEqual(7);
});

it('nobody sees the orders and coupons of another, and who is not signed in none', async () => {
  const stranger = await world.buyer();
  expect((await stranger.get(QUERY)).orders.edges).toEqual([]);
  expect((await stranger.get('{ myCoupons { id } }')).myCoupons).toEqual([]);
  expect(await stranger.fail(`{ order(id: "not an id") { id } }`)).toBe('BAD_USER_INPUT');
  const response = await fetch(buyer.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ orders { edges { node { id } } } }' }),
  });
  expect(((await response.json()) as Data).errors[0].extensions.code).toBe('UNAUTHENTICATED');
});
