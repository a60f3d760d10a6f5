import { afterAll, beforeAll, expect, it } from 'vitest';
import { violationsWhile } from '../support/broken-rows.ts';
import { cancelPayment } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { untilFolded } from '../support/sales.ts';
import { cancelOrder, claim, makeCoupon, makeProduct, payOrder, placeOrder } from '../support/shop.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
let buyer: Buyer;
let product: string;
let coupon: string;
let issued: Data[];
/** Paid with the coupon; waiting for payment; paid and cancelled. */
let paid: Data;
let placed: Data;
let refunded: Data;

beforeAll(async () => {
  world = await World.open({ processes: 1 });
  operator = await world.operator();
  product = await makeProduct(operator, { stock: 20 });
  coupon = await makeCoupon(operator, { quantity: 4, value: 100 });
  const buyers = await world.buyers(3, 50_000);
  buyer = buyers[0] as Buyer;
  issued = [];
  for (const one of buyers) issued.push(await claim(one, coupon));
  paid = await placeOrder(buyer, { [product]: 3 }, { issuedCouponId: issued[0].id });
  await payOrder(buyer, paid.id);
  placed = await placeOrder(buyer, { [product]: 2 });
  refunded = await placeOrder(buyer, { [product]: 4 });
  await cancelPayment(buyer, (await payOrder(buyer, refunded.id)).id);
  await cancelOrder(buyer, (await placeOrder(buyer, { [product]: 5 })).id);
  // What is broken by hand is what was added up.
  await untilFolded(world.pool);
  await makeBreakable();
});
afterAll(() => world.close());

/** Takes away what PostgreSQL itself refuses, so that rows can be broken by hand. */
async function makeBreakable(): Promise<void> {
  const { rows } = await world.pool.query<{ text: string }>(
    `select format('alter table %s drop constraint %I', conrelid::regclass, conname) as text from pg_constraint
     where contype in ('c', 'u') and conrelid::regclass::text in ('product', 'sale', 'shop_order', 'issued_coupon', 'payment')
       or conname = 'coupon_never_over_issued'`,
  );
  for (const { text } of rows) await world.pool.query(text);
  await world.pool.query('drop index shop_order_coupon_once; drop index payment_once_per_order');
  await world.pool.query('alter table shop_order disable trigger user; alter table order_line disable trigger user');
}

/** What the audit says after `break_`, which `mend` puts right again. */
const auditAfter = (break_: string, mend: string): Promise<Record<string, string[]>> =>
  violationsWhile(world.pool, operator, break_, mend);

it('rows as the shop leaves them are clean, and every rule says what it looked at', async () => {
  const { audit } = await operator.get('{ audit { ok checks { name rule checked violations } } }');
  expect(audit.ok).toBe(true);
  const checked = Object.fromEntries(audit.checks.map(({ name, checked: count }: Data) => [name, count]));
  expect(checked).toMatchObject({
    ...{ 'stock-adds-up': 1, 'orders-add-up': 4, 'best-sellers-exact': 1 },
    ...{ 'order-payments-once': 4, 'order-payments-exact': 2 },
    ...{ 'coupons-dense': 1, 'coupons-once-per-user': 3, 'coupons-used-once': 1, 'discounts-by-coupon': 4 },
  });
});

it('a piece that was lost or found is named with its product', async () => {
  for (const off of [1, -1]) {
    const broken = await auditAfter(
      `update product set stock = stock + ${off} where id = '${product}'`,
      `update product set stock = stock - ${off} where id = '${product}'`,
    );
    expect(broken).toEqual({
      'stock-adds-up': [`product ${product}: 20 made, 3 sold, 2 taken, ${15 + off} in stock`],
    });
  }
});

it('an order that became what it cannot have become is found by its payment, its pieces and its sales', async () => {
  const broken = await auditAfter(
    `update shop_order set status = 'PLACED', paid_on = null where id = '${paid.id}'`,
    `update shop_order set status = 'PAID', paid_on = (select day from sale) where id = '${paid.id}'`,
  );
  expect(Object.keys(broken)).toEqual(['order-payments-once', 'best-sellers-exact']);
  expect(broken['order-payments-once']).toEqual([`order ${paid.id}: PLACED with 1 COMPLETED and 0 CANCELLED payments`]);
  const back = await auditAfter(
    `update shop_order set status = 'PAID', paid_on = (select day from sale) where id = '${refunded.id}'`,
    `update shop_order set status = 'PAYMENT_CANCELLED' where id = '${refunded.id}'`,
  );
  expect(Object.keys(back)).toEqual(['orders-given-back', 'order-payments-once']);
});

it('lines, subtotals, discounts and totals that do not fit each other are found by their order', async () => {
  expect(
    await auditAfter(
      `update order_line set unit_price = unit_price + 1 where order_id = '${placed.id}'`,
      `update order_line set unit_price = unit_price - 1 where order_id = '${placed.id}'`,
    ),
  ).toEqual({ 'orders-add-up': [`order ${placed.id}: lines of 2002, 2000 - 0 = 2000`] });
  expect(
    await auditAfter(
      `update shop_order set discount = 10, total = total - 10 where id = '${placed.id}'`,
      `update shop_order set discount = 0, total = total + 10 where id = '${placed.id}'`,
    ),
  ).toEqual({
    'orders-add-up': [`order ${placed.id}: lines of 2000, 2000 - 10 = 1990, 0 off its lines`],
    'discounts-by-coupon': [`order ${placed.id}: 10 off 2000 with no coupon`],
  });
  expect(
    Object.keys(
      await auditAfter(
        `update shop_order set total = total + 1 where id = '${paid.id}'`,
        `update shop_order set total = total - 1 where id = '${paid.id}'`,
      ),
    ),
  ).toEqual(['order-payments-exact', 'orders-add-up']);
});

it('sales counted wrong, or not at all, are found by product and day', async () => {
  const wrong = await auditAfter('update sale set quantity = quantity + 1', 'update sale set quantity = quantity - 1');
  expect(wrong['best-sellers-exact']).toEqual([
    expect.stringMatching(
      new RegExp(`^product ${product} on \\d{4}-\\d\\d-\\d\\d: 4 for 3000 counted, 3 for 3000 sold$`),
    ),
  ]);
  const none = await auditAfter('update sale set day = day + 1', 'update sale set day = day - 1');
  expect(none['best-sellers-exact']).toHaveLength(2);
});

it.each<[string, string, string, string[]]>([
  [
    'two coupons of one user',
    'set user_id = $1 where serial = 2',
    'set user_id = $2 where serial = 2',
    ['coupons-once-per-user'],
  ],
  [
    'a coupon used by somebody else',
    'set user_id = $3 where serial = 1',
    'set user_id = $1 where serial = 1',
    ['coupons-used-once'],
  ],
])('%s is found', async (_what, break_, mend, names) => {
  const { rows } = await world.pool.query('select user_id from issued_coupon order by serial');
  const ids = [rows[0].user_id, rows[1].user_id, operator.id].map((id) => `'${id}'`);
  const fill = (text: string): string =>
    `update issued_coupon ${text.replace(/\$(\d)/, (_all, n) => ids[n - 1] as string)}`;
  expect(Object.keys(await auditAfter(fill(break_), fill(mend)))).toEqual(names);
});

it('a coupon on two live orders, and one that has counted wrong, are found', async () => {
  const twice = await auditAfter(
    `update shop_order set issued_coupon_id = '${issued[0].id}', discount = 100, total = 1900 where id = '${placed.id}'`,
    `update shop_order set issued_coupon_id = null, discount = 0, total = 2000 where id = '${placed.id}'`,
  );
  expect(twice).toEqual({
    'orders-add-up': [`order ${placed.id}: lines of 2000, 2000 - 100 = 1900, 0 off its lines`],
    'coupons-used-once': [`issued coupon ${issued[0].id}: on 2 live orders, 0 of them not of its user`],
  });
  const counted = await auditAfter('update coupon set issued = issued + 1', 'update coupon set issued = issued - 1');
  expect(counted).toEqual({
    'coupons-dense': [`coupon ${coupon}: 4 counted, 3 issued of 4`],
  });
});
