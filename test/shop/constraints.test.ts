import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Buyer } from '../support/client.ts';
import { untilFolded } from '../support/sales.ts';
import { cancelOrder, claim, makeCoupon, makeProduct, payOrder, placeOrder } from '../support/shop.ts';
import { World } from '../support/world.ts';

let world: World;
let ids: Record<'product' | 'user' | 'other' | 'coupon' | 'issued' | 'placed' | 'paid' | 'cancelled', string>;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  const operator = await world.operator();
  const [buyer, other] = (await world.buyers(2, 10_000)) as [Buyer, Buyer];
  const product = await makeProduct(operator, { stock: 10 });
  const coupon = await makeCoupon(operator, { quantity: 2 });
  const issued = await claim(buyer, coupon);
  const placed = await placeOrder(buyer, { [product]: 1 }, { issuedCouponId: issued.id });
  const [paid, cancelled] = [await placeOrder(buyer, { [product]: 1 }), await placeOrder(buyer, { [product]: 1 })];
  await payOrder(buyer, paid.id);
  await cancelOrder(buyer, cancelled.id);
  await untilFolded(world.pool);
  ids = {
    product,
    user: buyer.id,
    other: other.id,
    coupon,
    issued: issued.id,
    placed: placed.id,
    paid: paid.id,
    cancelled: cancelled.id,
  };
});
afterAll(() => world.close());

const ISSUE = 'insert into issued_coupon (id, coupon_id, quantity, user_id, serial) values ($1, $2, $3, $4, $5)';
const ORDER = `insert into shop_order (id, user_id, status, subtotal, discount, total, issued_coupon_id, pay_by)
  values ($1, $2, $3, $4, $5, $6, $7, now() + interval '1 hour')`;

it.each<[string, string, () => unknown[], string]>([
  [
    'a stock below zero',
    'update product set stock = -1 where id = $1',
    () => [ids.product],
    'product_stock_never_negative',
  ],
  [
    'more in stock than was made',
    'update product set stock = 11 where id = $1',
    () => [ids.product],
    'product_stock_was_made',
  ],
  ['a serial of 0', ISSUE, () => [randomUUID(), ids.coupon, 2, ids.other, 0], 'issued_coupon_within_quantity'],
  [
    'a serial past the quantity',
    ISSUE,
    () => [randomUUID(), ids.coupon, 2, ids.other, 3],
    'issued_coupon_within_quantity',
  ],
  [
    'another quantity than the coupon has',
    ISSUE,
    () => [randomUUID(), ids.coupon, 9, ids.other, 3],
    'issued_coupon_coupon_id_quantity_fkey',
  ],
  ['a serial twice', ISSUE, () => [randomUUID(), ids.coupon, 2, ids.other, 1], 'issued_coupon_serial_once'],
  [
    'a second coupon for one user',
    ISSUE,
    () => [randomUUID(), ids.coupon, 2, ids.user, 2],
    'issued_coupon_once_per_user',
  ],
  [
    'more coupons issued than there are',
    'update coupon set issued = 3 where id = $1',
    () => [ids.coupon],
    'coupon_never_over_issued',
  ],
  [
    'one coupon on two live orders',
    ORDER,
    () => [randomUUID(), ids.user, 'PLACED', 9, 1, 8, ids.issued],
    'shop_order_coupon_once',
  ],
  [
    'a discount above the subtotal',
    ORDER,
    () => [randomUUID(), ids.user, 'PLACED', 9, 10, -1, null],
    'shop_order_discount_within_subtotal',
  ],
  [
    'a total that does not add up',
    ORDER,
    () => [randomUUID(), ids.user, 'PLACED', 9, 1, 9, null],
    'shop_order_adds_up',
  ],
  ['an order that begins PAID', ORDER, () => [randomUUID(), ids.user, 'PAID', 9, 0, 9, null], 'shop_order_transition'],
  [
    'a second COMPLETED payment of an order',
    "insert into payment (id, user_id, order_id, amount, status) values ($1, $2, $3, 1, 'COMPLETED')",
    () => [randomUUID(), ids.user, ids.paid],
    'payment_once_per_order',
  ],
  [
    'a payment for nothing',
    "insert into payment (id, user_id, amount, status) values ($1, $2, 1, 'COMPLETED')",
    () => [randomUUID(), ids.user],
    'payment_for_one_payable',
  ],
  [
    'a line that changes',
    'update order_line set unit_price = 1 where order_id = $1',
    () => [ids.paid],
    'order_line_fixed',
  ],
  ['a line that goes', 'delete from order_line where order_id = $1', () => [ids.paid], 'order_line_fixed'],
  [
    'sales below zero',
    'update sale set quantity = -1 where product_id = $1',
    () => [ids.product],
    'sale_never_negative',
  ],
])('PostgreSQL itself refuses %s', async (_what, text, params, constraint) => {
  await expect(world.pool.query(text, params())).rejects.toMatchObject({ constraint });
});

const STATUSES = ['PLACED', 'CANCELLED', 'PAID', 'PAYMENT_CANCELLED', 'SHIPPED'];
const ALLOWED = new Set(['PLACED CANCELLED', 'PLACED PAID', 'PAID PAYMENT_CANCELLED']);

it('of all steps from one status of an order to another PostgreSQL lets exactly those through that go forward', async () => {
  const { rows } = await world.pool.query("select from_status || ' ' || to_status as step from order_transition");
  expect(new Set(rows.map(({ step }) => step))).toEqual(new Set([...ALLOWED, 'NEW PLACED']));
  const at: Record<string, string> = { PLACED: ids.placed, PAID: ids.paid, CANCELLED: ids.cancelled };
  for (const [from, id] of Object.entries(at)) {
    for (const to of STATUSES.filter((status) => status !== from && !ALLOWED.has(`${from} ${status}`))) {
      await expect(
        world.pool.query('update shop_order set status = $2 where id = $1', [id, to]),
        `${from} -> ${to}`,
      ).rejects.toMatchObject({ constraint: 'shop_order_transition' });
    }
  }
});
