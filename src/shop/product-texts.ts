import type { Batch } from '../api/context.ts';
import { forkOf, perProcess } from '../platform/platform.ts';
import { sql } from '../platform/postgres.ts';
import { SharedCache } from '../platform/shared-cache.ts';
import { SECOND } from '../platform/units.ts';
import { PRODUCT_COLUMNS, type Product, type ProductRow, toProduct } from './product.ts';

/** How long texts and prices are told after somebody has changed them in the database, past every mutation. */
const MOST_STALE_MS = 2 * SECOND;

/** Texts and prices of products, which no mutation changes once they are made. */
export const productTexts = perProcess(
  (platform) =>
    new SharedCache<ProductRow>(platform, 'products', MOST_STALE_MS, async (ids) => {
      const text = `select ${PRODUCT_COLUMNS} from product p where p.id = any($1)`;
      return new Map((await sql<ProductRow>(forkOf(platform), text, [ids])).map((row) => [row.id, row]));
    }),
);

/** The products, or null where there is none. */
export const productsById: Batch<Product | null> = async ({ platform }, ids) => {
  const found = await productTexts(platform).read(ids);
  return ids.map((id) => {
    const row = found.get(id);
    return row ? toProduct(row) : null;
  });
};

/** What is in stock of each product now, from PostgreSQL; null: made to order. */
export const stocksOfProducts: Batch<number | null> = async ({ em }, ids) => {
  const rows = await sql<{ id: string; stock: number | null }>(em, 'select id, stock from product where id = any($1)', [
    ids,
  ]);
  const stocks = new Map(rows.map(({ id, stock }) => [id, stock]));
  return ids.map((id) => stocks.get(id) ?? null);
};
