import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Buyer } from '../support/client.ts';
import { cancelOrder, claim, makeCoupon, makeProduct, orderWhileWithdrawn, placeOrder } from '../support/shop.ts';
import { World } from '../support/world.ts';

let world: World;

describe('without the row locks of the shop', () => {
  let operator: Buyer;
  beforeAll(async () => {
    world = await World.open({ preload: './without-shop-locks.ts' });
    operator = await world.operator();
  });
  afterAll(() => world.close());

  it('a product is not oversold while PostgreSQL has its constraint: what would be is refused as a fault', async () => {
    const product = await makeProduct(operator, { stock: 10 });
    const buyers = await world.buyers(40);
    const answers = await Promise.allSettled(buyers.map((buyer) => placeOrder(buyer, { [product]: 1 })));
    const placed = answers.filter((answer) => answer.status === 'fulfilled' && answer.value.status === 'PLACED');
    expect(placed).toHaveLength(10);
  });

  it('a product is oversold: the test of the guard can fail', async () => {
    await world.pool.query('alter table product drop constraint product_stock_never_negative');
    let stock = 0;
    for (let round = 0; round < 40 && stock === 0; round++) {
      const product = await makeProduct(operator, { stock: 30 });
      const buyers = await world.buyers(40);
      const answers = await Promise.all(buyers.map((buyer) => placeOrder(buyer, { [product]: 1 })));
      const { rows } = await world.pool.query('select stock from product where id = $1', [product]);
      stock = rows[0].stock;
      expect(answers.filter(({ status }) => status === 'PLACED')).toHaveLength(30 - stock);
    }
    expect(stock).toBeLessThan(0);
  });

  it('one coupon is used for several orders: the test of the guard can fail', async () => {
    await world.pool.query('drop index shop_order_coupon_once');
    // Orders with one coupon share a transaction within a process, where they see one another: two processes do not.
    const coffees = await Promise.all(Array.from({ length: 5 }, () => makeProduct(operator, { stock: null })));
    const coffee = (index: number): Record<string, number> => ({ [coffees[index % coffees.length] as string]: 1 });
    let used = 0;
    for (let round = 0; round < 40 && used < 2; round++) {
      const buyer = await world.buyer();
      const issued = await claim(buyer, await makeCoupon(operator));
      await Promise.allSettled(
        Array.from({ length: 20 }, (_, index) =>
          placeOrder(buyer.at(world.urls[index % 2] as string), coffee(index), { issuedCouponId: issued.id }),
        ),
      );
      const { rowCount } = await world.pool.query('select from shop_order where issued_coupon_id = $1', [issued.id]);
      used = rowCount ?? 0;
    }
    expect(used).toBeGreaterThan(1);
  });

  it('a product is ordered after its withdrawal: the test of the guard can fail', async () => {
    let late = 0;
    for (let round = 0; round < 40 && late === 0; round++) late = await orderWhileWithdrawn(world, operator);
    expect(late).toBeGreaterThan(0);
  });
});

describe('without another guard', () => {
  afterEach(() => world.close());

  it('without the check of its status an order gives its stock back twice: the test of the guard can fail', async () => {
    world = await World.open({ preload: './without-status-check.ts' });
    await world.pool.query('alter table product drop constraint product_stock_was_made');
    await world.pool.query('drop trigger shop_order_transition on shop_order');
    const operator = await world.operator();
    const product = await makeProduct(operator, { stock: 10 });
    const buyer = await world.buyer();
    const { id } = await placeOrder(buyer, { [product]: 4 });
    for (let time = 0; time < 5; time++) await cancelOrder(buyer.at(world.urls[time % 2] as string), id);
    const { rows } = await world.pool.query('select stock from product where id = $1', [product]);
    expect(rows).toEqual([{ stock: 26 }]);
  });

  it('without the lock of their orders a user has more of them unpaid than the limit: the test of the guard can fail', async () => {
    world = await World.open({ preload: './without-limit-lock.ts', env: { UNPAID_ORDERS_PER_USER: '1' } });
    const coffee = await makeProduct(await world.operator(), { stock: null });
    let most = 0;
    for (let round = 0; round < 60 && most < 2; round++) {
      const buyer = await world.buyer();
      await Promise.all(world.urls.map((url) => placeOrder(buyer.at(url), { [coffee]: 1 })));
      const { rowCount } = await world.pool.query('select from shop_order where user_id = $1', [buyer.id]);
      most = Math.max(most, rowCount ?? 0);
    }
    expect(most).toBe(2);
  });
});
