import type pg from 'pg';
import { expect } from 'vitest';
import type { Answer } from './client.ts';

/** Every row that a mutation of the shop could have left behind. */
async function shopRows(pool: pg.Pool): Promise<unknown[]> {
  const { rows: found } = await pool.query(
    `select (select count(*) from product) as products, (select sum(stock) from product) as stock,
       (select sum(made) from product) as made, (select count(*) from shop_order) as orders,
       (select count(*) from order_line) as lines, (select count(*) from coupon) as coupons,
       (select count(*) from issued_coupon) as issued, (select count(*) from idempotency_key) as keys,
       (select count(*) from payment) as payments, (select count(*) from entry) as entries`,
  );
  return found;
}

/** Refused as the caller's fault, in words of ours, and nothing was written. */
export async function expectShopRefused(
  pool: pg.Pool,
  ask: () => Promise<Answer>,
  codes = ['BAD_USER_INPUT'],
): Promise<void> {
  const before = await shopRows(pool);
  const { data, errors } = await ask();
  expect(data === null || data === undefined).toBe(true);
  expect(errors?.length).toBeGreaterThan(0);
  for (const { message, extensions } of errors ?? []) {
    expect(codes).toContain(extensions.code);
    expect(message).not.toMatch(/SQL|syntax for type|Cannot read|is not a function/);
  }
  expect(await shopRows(pool)).toEqual(before);
}
