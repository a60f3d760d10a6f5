import { expect } from 'vitest';
import type { Buyer, Data } from './client.ts';
import { claim, makeCoupon } from './shop.ts';
import type { World } from './world.ts';

/** Requests under way at once. */
const AT_ONCE = 200;

/** Lets a crowd claim one coupon, each twice and over two processes, of which there are for a fifth of them. */
export async function claimTwice(world: World, operator: Buyer, crowd: number): Promise<void> {
  const quantity = crowd / 5;
  const coupon = await makeCoupon(operator, { quantity });
  const buyers = await world.buyers(crowd);
  const all = [...buyers, ...buyers].map((buyer, index) => buyer.at(world.urls[index % 2] as string));
  const answers: Data[] = [];
  const worker = async (): Promise<void> => {
    for (let buyer = all.pop(); buyer; buyer = all.pop()) answers.push(await claim(buyer, coupon));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  expect(answers.filter(({ __typename }) => __typename === 'IssuedCoupon')).toHaveLength(quantity);
  const { rows } = await world.pool.query(
    `select count(*)::int as n, count(distinct user_id)::int as users, max(serial) as highest
     from issued_coupon where coupon_id = $1`,
    [coupon],
  );
  expect(rows).toEqual([{ n: quantity, users: quantity, highest: quantity }]);
}
