import { Field, ID, InputType, registerEnumType } from 'type-graphql';
import {
  type Connection,
  type Direction,
  idKey,
  keysetSql,
  loadNodes,
  type Page,
  type PageArgs,
  pageOf,
  toConnection,
  valueKey,
} from '../api/connection.ts';
import { type Batch, type Context, load } from '../api/context.ts';
import { idOf, textOf, within } from '../api/input.ts';
import { badInput } from '../api/problems.ts';
import { Money } from '../api/scalars.ts';
import { forkOf, type Platform, perProcess } from '../platform/platform.ts';
import { sql } from '../platform/postgres.ts';
import { SharedCache } from '../platform/shared-cache.ts';
import { SECOND } from '../platform/units.ts';
import { Product, wordsOf } from './product.ts';

/** Most products that can be named in a filter: as many as a page has. */
const MAX_IDS = 100;

@InputType({ description: 'Selects products that meet every condition that is given' })
export class ProductFilter {
  @Field(() => [ID], {
    nullable: true,
    description: `Products with these ids, such as those of a cart: at most ${MAX_IDS}. Unknown ids are left out`,
  })
  ids?: string[] | null;

  @Field(() => String, {
    nullable: true,
    description:
      'At most 200 characters: products that have, in name or description, a word beginning with each of these words, in any case',
  })
  search?: string | null;

  @Field(() => String, { nullable: true, description: 'Products of exactly this category; at most 100 characters' })
  category?: string | null;

  @Field(() => Money, { nullable: true, description: 'Products of this price or more' })
  minPrice?: number | null;

  @Field(() => Money, { nullable: true, description: 'Products of this price or less' })
  maxPrice?: number | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'True: products that can be ordered now; false: products that are sold out',
  })
  inStock?: boolean | null;
}

export const ProductSort = {
  NEWEST: 'NEWEST',
  PRICE_ASC: 'PRICE_ASC',
  PRICE_DESC: 'PRICE_DESC',
  NAME: 'NAME',
} as const;
export type ProductSort = keyof typeof ProductSort;
registerEnumType(ProductSort, {
  name: 'ProductSort',
  description: 'Order of products; equal ones are in the order of their ids',
  valuesConfig: {
    NEWEST: { description: 'Latest made first' },
    PRICE_ASC: { description: 'Cheapest first' },
    PRICE_DESC: { description: 'Dearest first' },
    NAME: { description: 'By name' },
  },
});

/** Which products are shown: to buyers those for sale, to operators also those that were withdrawn. */
export type Shown = 'all' | 'for sale';

/** Where a product stands in the list: the value that is sorted by, and the id among equal values. */
interface Key {
  readonly id: string;
  readonly value: string | null;
}

interface Sort {
  /** The column to sort by before the id, with its type; undefined to sort by id alone, that is by time. */
  readonly column?: 'price' | 'sort_name';
  readonly type?: 'bigint' | 'text';
  readonly direction: Direction;
}

const SORTS: Record<ProductSort, Sort> = {
  NEWEST: { direction: 'desc' },
  PRICE_ASC: { column: 'price', type: 'bigint', direction: 'asc' },
  PRICE_DESC: { column: 'price', type: 'bigint', direction: 'desc' },
  NAME: { column: 'sort_name', type: 'text', direction: 'asc' },
};

/**
 * Reads a page of the catalogue. A search finds the products that have, for each word of the search, a word that begins
 * with it.
 * @throws CallerError BAD_USER_INPUT for a malformed page, and for a search of more than 200 characters
 */
export async function readProducts(
  context: Context,
  shown: Shown,
  filter: ProductFilter | undefined,
  sortName: ProductSort,
  args: PageArgs,
): Promise<Connection<Product>> {
  const sort = SORTS[sortName];
  const page = pageOf(`product ${sortName}`, args, (text) => readKey(sort, text));
  // Which products those are depends on their stock, which is never cached.
  if (typeof filter?.inStock === 'boolean') context.notes.noteMomentary();
  const { text, params } = pageQuery(shown, filter ?? {}, sort, page);
  const keys = await sql<Key>(context.em, text, params);
  const found = toConnection(page, keys, ({ id, value }) => (value === null ? id : `${id} ${value}`));
  // Products are withdrawn, never deleted.
  return loadNodes(context, found, productsById as Batch<Product>);
}

function readKey({ type }: Sort, text: string): Key | undefined {
  if (!type) {
    const id = idKey(text);
    return id === undefined ? undefined : { id, value: null };
  }
  const key = valueKey(text);
  return key && (type === 'bigint' ? /^\d{1,15}$/ : /./s).test(key.value) ? key : undefined;
}

/** SQL for a page of ids; an index serves each of its forms. */
function pageQuery(
  shown: Shown,
  filter: ProductFilter,
  { column, type, direction }: Sort,
  page: Page<Key>,
): { text: string; params: unknown[] } {
  const params: unknown[] = [];
  const param = (value: unknown): string => `$${params.push(value)}`;
  const hidden = shown === 'for sale' ? ['p.withdrawn_at is null'] : [];
  const keyset = keysetSql(page, [...(column ? [`p.${column}`] : []), 'p.id'], direction, ({ id, value }) => [
    ...(column ? [`${param(value)}::${type}`] : []),
    `${param(id)}::uuid`,
  ]);
  const conditions = [...hidden, ...conditionsOf(filter, param), ...keyset.conditions];
  const text = `select p.id, ${column ? `p.${column}::text` : 'null'} as value from product p
     ${conditions.length > 0 ? `where ${conditions.join(' and ')}` : ''} ${keyset.order}`;
  return { text, params };
}

function conditionsOf(filter: ProductFilter, param: (value: unknown) => string): string[] {
  const { ids, search, category, minPrice, maxPrice, inStock } = filter;
  const conditions: string[] = [];
  if (ids) {
    if (ids.length > MAX_IDS) throw badInput('filter.ids', `must be at most ${MAX_IDS}`);
    conditions.push(`p.id = any(${param(ids.map((id, index) => idOf(`filter.ids[${index}]`, id)))}::uuid[])`);
  }
  if (search && textOf('filter.search', search, 0, 200).trim() !== '') {
    const words = wordsOf(search);
    // A tsquery that matches texts with a word beginning with each of these.
    const query = words.map((word) => `'${word}':*`).join(' & ');
    conditions.push(words.length > 0 ? `p.words @@ ${param(query)}::tsquery` : 'false');
  }
  if (typeof category === 'string')
    conditions.push(`p.category = ${param(textOf('filter.category', category, 0, 100))}`);
  if (typeof minPrice === 'number') conditions.push(`p.price >= ${param(boundOf('filter.minPrice', minPrice))}`);
  if (typeof maxPrice === 'number') conditions.push(`p.price <= ${param(boundOf('filter.maxPrice', maxPrice))}`);
  if (typeof minPrice === 'number' && typeof maxPrice === 'number' && minPrice > maxPrice) {
    throw badInput('filter.minPrice', 'must not be more than maxPrice');
  }
  if (typeof inStock === 'boolean') conditions.push(inStock ? 'not p.sold_out' : 'p.sold_out');
  return conditions;
}

function boundOf(argument: string, price: number): number {
  return within(argument, price, 0, Number.MAX_SAFE_INTEGER);
}

/** Milliseconds for which a text or price may be stale: after a change by SQL, or when its invalidation was lost. */
const MAX_STALE_MS = 2 * SECOND;

/** Caches texts and prices of products. */
export const productTexts = perProcess(
  (platform) =>
    new SharedCache<
      Pick<Product, 'id' | 'name' | 'description' | 'category' | 'price' | 'maxPerUser'> & { withdrawn: string | null }
    >(platform, 'products', MAX_STALE_MS, async (ids) => {
      const text = `select p.id, p.name, p.description, p.category, p.price, p.max_per_user as "maxPerUser", p.withdrawn_at::text as withdrawn
          from product p where p.id = any($1)`;
      return new Map(
        (await sql<Product & { withdrawn: string | null }>(forkOf(platform), text, [ids])).map((row) => [row.id, row]),
      );
    }),
);

/** Loads products without their stock; null for an unknown id. */
export const productsById: Batch<Product | null> = async ({ platform }, ids) => {
  const found = await productTexts(platform).read(ids);
  return ids.map((id) => {
    const { withdrawn, ...texts } = found.get(id) ?? { id: null, withdrawn: null };
    if (texts.id === null) return null;
    return Object.assign(new Product(), texts, { withdrawnAt: withdrawn === null ? null : new Date(withdrawn) });
  });
};

/** Invalidates the texts and prices, after the commit of a change. Never throws. */
export function forgetProducts(platform: Platform): Promise<void> {
  return productTexts(platform).forget();
}

/** Reads a product. @returns null for an unknown id, and for a product that is not shown */
export async function readProduct(context: Context, shown: Shown, idText: string): Promise<Product | null> {
  const product = await load(context, productsById, idOf('id', idText));
  return shown === 'for sale' && product?.withdrawnAt ? null : product;
}

/** Loads the present stock of each product from PostgreSQL, in pieces; null for a product made to order. */
export const stocksOfProducts: Batch<number | null> = async ({ em }, ids) => {
  const rows = await sql<{ id: string; stock: number | null }>(em, 'select id, stock from product where id = any($1)', [
    ids,
  ]);
  const stocks = new Map(rows.map(({ id, stock }) => [id, stock]));
  return ids.map((id) => stocks.get(id) ?? null);
};
