import type pg from 'pg';
import { eventually } from './builders.ts';

/** Has nothing added up while `work` runs: what sold stays as it was written. @param job that adds up */
export async function withoutFolding<T>(pool: pg.Pool, work: () => Promise<T>, job = 'fold-sales'): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('select pg_advisory_lock(hashtextextended($1, 0))', [job]);
    return await work();
  } finally {
    client.release(true);
  }
}

/** How many changes are not added up yet. */
export async function unfolded(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ n: number }>('select count(*)::int as n from sale_change');
  return rows[0]?.n ?? 0;
}

/** Waits until everything that sold is added up. */
export function untilFolded(pool: pg.Pool): Promise<void> {
  return eventually(async () => (await unfolded(pool)) === 0);
}

/** What `sale` itself has of a product, over all days; undefined without a row. */
export async function foldedOf(
  pool: pg.Pool,
  productId: string,
): Promise<{ quantity: number; revenue: number } | undefined> {
  const { rows } = await pool.query(
    `select sum(quantity)::int as quantity, sum(revenue)::int as revenue from sale
     where product_id = $1 group by product_id`,
    [productId],
  );
  return rows[0];
}
