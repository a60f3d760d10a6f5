import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeBreakable, whileBroken } from '../support/broken-rows.ts';
import { cancelPayment, violationsOf } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { untilFolded } from '../support/sales.ts';
import { claim, makeCoupon, makeProduct, payOrder, placeOrder } from '../support/shop.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
let buyer: Buyer;
let product: string;
let coupon: string;
let issued: Data;
/** Paid with the coupon; waiting for payment; paid and cancelled. */
let paid: Data;
let placed: Data;
let refunded: Data;
let payment: Data;

beforeAll(async () => {
  world = await World.open({ processes: 1 });
  operator = await world.operator();
  product = await makeProduct(operator, { stock: 20 });
  coupon = await makeCoupon(operator, { quantity: 4, value: 100 });
  buyer = await world.buyer(50_000);
  issued = await claim(buyer, coupon);
  paid = await placeOrder(buyer, { [product]: 3 }, { issuedCouponId: issued.id });
  payment = await payOrder(buyer, paid.id);
  placed = await placeOrder(buyer, { [product]: 2 });
  refunded = await placeOrder(buyer, { [product]: 4 });
  await cancelPayment(buyer, (await payOrder(buyer, refunded.id)).id);
  await untilFolded(world.pool);
  await makeBreakable(world.pool);
});
afterAll(() => world.close());

/** What the audit says of rows that one statement has broken. */
function auditAfter(text: string, params: unknown[] = []): Promise<Record<string, string[]>> {
  return whileBroken(world.pool, text, params, () => violationsOf(operator));
}

it.each<[string, string, string]>([
  ['more made than there ever was', 'made = made + 5', '25 made, 3 sold, 2 taken, 15 in stock'],
  ['less than nothing in stock', 'made = 4, stock = -1', '4 made, 3 sold, 2 taken, -1 in stock'],
])('a product with %s is found', async (_what, change, said) => {
  expect(await auditAfter(`update product set ${change} where id = $1`, [product])).toEqual({
    'stock-adds-up': [`product ${product}: ${said}`],
  });
});

it('an order whose lines are more, or are gone, is found by its stock and its sum', async () => {
  const more = await auditAfter('update order_line set quantity = quantity + 1 where order_id = $1', [placed.id]);
  expect(more).toEqual({
    'stock-adds-up': [`product ${product}: 20 made, 3 sold, 3 taken, 15 in stock`],
    'orders-add-up': [`order ${placed.id}: lines of 3000, 2000 - 0 = 2000`],
  });
  const none = await auditAfter('delete from order_line where order_id = $1', [placed.id]);
  expect(none).toEqual({
    'stock-adds-up': [`product ${product}: 20 made, 3 sold, 0 taken, 15 in stock`],
    'orders-add-up': [`order ${placed.id}: lines of 0, 2000 - 0 = 2000`],
  });
});

it.each<[string, string, string]>([
  ['more than its subtotal off', 'discount = 2001, total = -1', 'lines of 2000, 2000 - 2001 = -1, 0 off its lines'],
  ['less than nothing off', 'discount = -1, total = 2001', 'lines of 2000, 2000 - -1 = 2001, 0 off its lines'],
  ['another total', 'total = 1999', 'lines of 2000, 2000 - 0 = 1999'],
])('an order with %s is found', async (_what, change, said) => {
  const broken = await auditAfter(`update shop_order set ${change} where id = $1`, [placed.id]);
  expect(broken['orders-add-up']).toEqual([`order ${placed.id}: ${said}`]);
});

it.each([
  ['whose coupon gives another discount', 'update coupon set value = 200 where id = $1'],
  ['whose coupon wants a higher subtotal', 'update coupon set minimum_subtotal = 3001 where id = $1'],
  ['whose coupon gives a share', `update coupon set discount_kind = 'PERCENT', value = 50 where id = $1`],
  ['whose coupon is none', 'delete from issued_coupon where coupon_id = $1'],
])('an order %s is found', async (_what, text) => {
  const broken = await auditAfter(text, [coupon]);
  expect(broken['discounts-by-coupon']).toEqual([expect.stringMatching(`^order ${paid.id}: 100 off 3000 with `)]);
});

it('more coupons than there are, and issued coupons that are gone, are found', async () => {
  const over = await auditAfter('update coupon set quantity = 0 where id = $1', [coupon]);
  expect(over).toEqual({ 'coupons-dense': [expect.stringMatching(`^coupon ${coupon}: 1 counted, 1 issued of 0`)] });
  const gone = await auditAfter('delete from issued_coupon where coupon_id = $1', [coupon]);
  expect(gone['coupons-dense']).toEqual([expect.stringMatching(`^coupon ${coupon}: 1 counted, 0 issued of 4`)]);
});

it('a payment of an order that is made twice, of another user or amount, cancelled by hand or gone is found', async () => {
  const again = `insert into payment (id, user_id, order_id, amount, status)
    select gen_random_uuid(), user_id, order_id, amount, status from payment where id = $1`;
  expect(await auditAfter(again, [payment.id])).toMatchObject({
    'order-payments-once': [`order ${paid.id}: PAID with 2 COMPLETED and 0 CANCELLED payments`],
    'payments-posted': [expect.stringContaining(': COMPLETED of 2900, PAYMENT entries none')],
  });
  const moved = await auditAfter('update payment set user_id = $2 where id = $1', [payment.id, operator.id]);
  expect(moved['order-payments-exact']).toEqual([
    `payment ${payment.id}: 2900 of user ${operator.id} for order ${paid.id}, 2900 of user ${buyer.id}`,
  ]);
  const less = await auditAfter('update payment set amount = 1 where id = $1', [payment.id]);
  expect(Object.keys(less)).toEqual(['payments-posted', 'order-payments-exact']);
  const undone = await auditAfter(`update payment set status = 'CANCELLED' where id = $1`, [payment.id]);
  expect(Object.keys(undone)).toEqual(['refunds-add-up', 'order-payments-once']);
  const gone = await auditAfter('delete from payment where id = $1', [payment.id]);
  expect(gone).toEqual({
    'entries-have-cause': [expect.stringMatching(/: PAYMENT of -2900 .*, payment \S+ that is none, /)],
    'order-payments-once': [`order ${paid.id}: PAID with 0 COMPLETED and 0 CANCELLED payments`],
  });
  const both = `update payment set reservation_id = order_id where id = $1`;
  expect((await auditAfter(both, [payment.id]))['payments-for-one']).toEqual([`payment ${payment.id}: for 2 things`]);
});

it.each<[string, string]>([
  ['counted for nothing that was sold', 'insert into sale values (current_date - 9, gen_random_uuid(), 2, 20)'],
  ['not counted', 'delete from sale where product_id = $1'],
  ['counted for more money', 'update sale set revenue = revenue + 1 where product_id = $1'],
  [
    'appended twice',
    'insert into sale_change (day, product_id, quantity, revenue) select day, product_id, quantity, revenue from sale where product_id = $1',
  ],
  ['of no day', `update shop_order set paid_on = null where status = 'PAID'`],
  ['of another day', `update shop_order set paid_on = paid_on - 1 where status = 'PAID'`],
])('sales %s are found', async (_what, text) => {
  const broken = await auditAfter(text, text.includes('$1') ? [product] : []);
  expect(Object.keys(broken)).toEqual(['best-sellers-exact']);
  for (const row of broken['best-sellers-exact'] ?? []) {
    expect(row).toMatch(/^product \S+ on (no day|\d{4}-\d\d-\d\d): \d+ for \d+ counted, \d+ for \d+ sold$/);
  }
});

it('rows put back are clean', async () => {
  expect(await violationsOf(operator)).toEqual({});
});
