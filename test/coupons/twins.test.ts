import { afterEach, expect, it } from 'vitest';
import type { Buyer } from '../support/client.ts';
import { claim, makeCoupon } from '../support/shop.ts';
import { World } from '../support/world.ts';

let world: World;
afterEach(() => world.close());

/** Two processes under a guard whose row lock and version check are switched off, as are PostgreSQL's last guards. */
async function open(guard: string): Promise<Buyer> {
  world = await World.open({ env: { COUPON_GUARD: guard }, preload: './without-coupon-guard.ts' });
  await world.pool.query(
    `alter table issued_coupon drop constraint issued_coupon_serial_once, drop constraint issued_coupon_once_per_user`,
  );
  return world.operator();
}

/** How many coupons of one kind were issued to a crowd under a serial, or to a user, that had one already. */
async function twiceIssued(coupon: string, count: number): Promise<number> {
  const buyers = await world.buyers(count);
  const all = [...buyers, ...buyers].map((buyer, index) => buyer.at(world.urls[(index >> 1) % 2] as string));
  await Promise.allSettled(all.map((buyer) => claim(buyer, coupon)));
  const { rows } = await world.pool.query(
    `select (2 * count(*) - count(distinct serial) - count(distinct user_id))::int as twice
     from issued_coupon where coupon_id = $1`,
    [coupon],
  );
  return rows[0].twice;
}

it.each(['optimistic', 'pessimistic'])(
  'without version check and row lock %s gives coupons out twice: the test of the guard can fail',
  async (guard) => {
    const operator = await open(guard);
    let twice = 0;
    for (let round = 0; round < 10 && twice === 0; round++) {
      twice = await twiceIssued(await makeCoupon(operator, { quantity: 100 }), 100);
    }
    expect(twice).toBeGreaterThan(0);
  },
);

it('redis-lock decides by itself, and holds without what is behind it', async () => {
  const operator = await open('redis-lock');
  for (let round = 0; round < 3; round++) {
    expect(await twiceIssued(await makeCoupon(operator, { quantity: 60 }), 100)).toBe(0);
  }
});
