import { afterEach, expect, it } from 'vitest';
import type { Data } from '../support/client.ts';
import { makeProduct, placeOrder } from '../support/shop.ts';
import { World } from '../support/world.ts';

let world: World;
afterEach(() => world.close());

/** 60 orders of the same four products, from two processes that take a while over each lock. @returns how many were placed */
async function cross(preload: string): Promise<number> {
  world = await World.open({ processes: 1, preload });
  await world.startProcess({ LOCK_ORDER: 'desc' });
  const operator = await world.operator();
  const products = await Promise.all(Array.from({ length: 4 }, () => makeProduct(operator, { stock: 1_000 })));
  const basket = Object.fromEntries(products.map((id) => [id, 1]));
  const buyers = await world.buyers(60);
  const answers: Data[] = await Promise.all(
    buyers.map((buyer) => placeOrder(buyer.hasty(), basket).catch((error: unknown) => ({ failed: String(error) }))),
  );
  return answers.filter(({ status }) => status === 'PLACED').length;
}

it('orders that meet in the middle of their locks wait for each other, and never each for the other', async () => {
  expect(await cross('./slow-locks.ts')).toBe(60);
  expect(await world.deadlocks()).toBe(0);
});

it('without one order of locks they do, and it is counted: what this and World.close assert can fail', async () => {
  await cross('./without-lock-order.ts');
  expect(await world.deadlocks()).toBeGreaterThan(0);
});
