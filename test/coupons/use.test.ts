import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Buyer, type Data, post } from '../support/client.ts';
import { claim, makeCoupon, makeProduct, payOrder, placeOrder, stockOf } from '../support/shop.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  operator = await world.operator();
});
afterAll(() => world.close());

it.each([
  ['FIXED', 300, 1_000, 300],
  ['FIXED', 1_000, 1_000, 1_000],
  ['FIXED', 5_000, 1_000, 1_000],
  ['PERCENT', 10, 1_000, 100],
  ['PERCENT', 33, 999, 329],
  ['PERCENT', 1, 99, 0],
  ['PERCENT', 100, 777, 777],
])('%s %i on a subtotal of %i takes off %i', async (discountKind, value, price, discount) => {
  const product = await makeProduct(operator, { price });
  const buyer = await world.buyer();
  const { id } = await claim(buyer, await makeCoupon(operator, { discountKind, value }));
  const order = await placeOrder(buyer, { [product]: 1 }, { issuedCouponId: id });
  expect(order).toMatchObject({ subtotal: price, discount, total: price - discount, coupon: { id, status: 'USED' } });
});

it('the smallest subtotal counts the whole order before the discount; one won less is refused and takes nothing', async () => {
  const product = await makeProduct(operator, { price: 500, stock: 10 });
  const cheap = await makeProduct(operator, { price: 499, stock: 10 });
  const buyer = await world.buyer();
  const { id } = await claim(buyer, await makeCoupon(operator, { minimumSubtotal: 1_000 }));
  const refused = await placeOrder(buyer, { [product]: 1, [cheap]: 1 }, { issuedCouponId: id });
  expect(refused).toMatchObject({ __typename: 'Refusal', code: 'COUPON_NOT_USABLE' });
  expect([await stockOf(buyer, product), await stockOf(buyer, cheap)]).toEqual([10, 10]);
  expect(await placeOrder(buyer, { [product]: 2 }, { issuedCouponId: id })).toMatchObject({ status: 'PLACED' });
});

it('an order refused for want of stock takes no coupon', async () => {
  const product = await makeProduct(operator, { stock: 1 });
  const buyer = await world.buyer();
  const { id } = await claim(buyer, await makeCoupon(operator));
  expect(await placeOrder(buyer, { [product]: 2 }, { issuedCouponId: id })).toMatchObject({
    __typename: 'InsufficientStock',
  });
  expect((await buyer.get('{ myCoupons { status usedAt } }')).myCoupons).toEqual([{ status: 'ISSUED', usedAt: null }]);
});

it('after endsAt a coupon is EXPIRED and not usable, but one that was used stays USED', async () => {
  const product = await makeProduct(operator, { stock: 10 });
  const buyer = await world.buyer(10_000);
  const coupons = [await makeCoupon(operator), await makeCoupon(operator)];
  const [used, unused] = [await claim(buyer, coupons[0] as string), await claim(buyer, coupons[1] as string)];
  const order = await placeOrder(buyer, { [product]: 1 }, { issuedCouponId: used.id });
  await world.pool.query('update coupon set ends_at = clock_timestamp() where id = any($1)', [coupons]);
  expect(await placeOrder(buyer, { [product]: 1 }, { issuedCouponId: unused.id })).toMatchObject({
    code: 'COUPON_NOT_USABLE',
  });
  const statuses = async (filter = ''): Promise<string[]> =>
    (await buyer.get(`{ myCoupons${filter} { id status } }`)).myCoupons.map(
      ({ id, status }: Data) => `${id} ${status}`,
    );
  expect(await statuses()).toEqual([`${unused.id} EXPIRED`, `${used.id} USED`]);
  expect(await statuses('(status: USED)')).toEqual([`${used.id} USED`]);
  expect(await statuses('(status: EXPIRED)')).toEqual([`${unused.id} EXPIRED`]);
  expect(await statuses('(status: ISSUED)')).toEqual([]);
  expect(await payOrder(buyer, order.id)).toMatchObject({ status: 'COMPLETED', amount: 500 });
  expect(await stockOf(buyer, product)).toBe(9);
});

it("another user's coupon is not there, and neither is an unknown one, also for an order that is short", async () => {
  const product = await makeProduct(operator, { stock: 5 });
  const [owner, thief] = (await world.buyers(2)) as [Buyer, Buyer];
  const { id } = await claim(owner, await makeCoupon(operator));
  const query = 'mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) { __typename } }';
  for (const issuedCouponId of [id, product]) {
    for (const quantity of [1, 6]) {
      const input = { lines: [{ productId: product, quantity }], issuedCouponId, idempotencyKey: 'k' };
      expect(await thief.fail(query, { input })).toBe('NOT_FOUND');
    }
  }
  expect((await world.pool.query('select from idempotency_key where user_id = $1', [thief.id])).rowCount).toBe(0);
  expect((await thief.get('{ myCoupons { id } }')).myCoupons).toEqual([]);
  expect(await stockOf(thief, product)).toBe(5);
  const claimed = 'mutation ($id: ID!) { claimCoupon(couponId: $id) { __typename } }';
  expect(await thief.fail(claimed, { id: product })).toBe('NOT_FOUND');
  expect(await thief.fail(claimed, { id: 'x' })).toBe('BAD_USER_INPUT');
});

it('anybody may read a coupon; claiming needs a user', async () => {
  const id = await makeCoupon(operator, { name: 'for all', quantity: 2 });
  const url = world.urls[0] as string;
  const read = `{ coupon(id: "${id}") { name quantity remaining discountKind value minimumSubtotal } }`;
  expect((await post(url, read)).data.coupon).toEqual({
    name: 'for all',
    quantity: 2,
    remaining: 2,
    discountKind: 'FIXED',
    value: 500,
    minimumSubtotal: 0,
  });
  const { errors } = await post(url, `mutation { claimCoupon(couponId: "${id}") { __typename } }`);
  expect(errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED');
});
