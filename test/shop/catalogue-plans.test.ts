import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Data, post } from '../support/client.ts';
import { type Plan, sentBy, stepsOf } from '../support/plans.ts';
import type { AppProcess } from '../support/process.ts';
import { World } from '../support/world.ts';

const PRODUCTS = 100_000;

let world: World;
let process: AppProcess;
beforeAll(async () => {
  world = await World.open({ processes: 1, preload: './tell-statements.ts' });
  process = world.processes[0] as AppProcess;
  await world.pool.query(
    `insert into product (id, name, sort_name, description, words, category, price, made, stock)
     select gen_random_uuid(), 'product ' || n, 'product ' || n, '', array_to_tsvector(array['product', 'number' || n, 'series' || n % 500]),
       'category ' || n % 200, n % 5000, 10, n % 11
     from generate_series(1, $1::int) n`,
    [PRODUCTS],
  );
  await world.pool.query('vacuum analyze product');
}, 120_000);
afterAll(() => world.close());

const QUERY = `query ($filter: ProductFilter, $sort: ProductSort!, $after: String, $last: Int, $before: String) {
  products(filter: $filter, sort: $sort, after: $after, last: $last, before: $before) {
    edges { node { id name stock } } pageInfo { endCursor } } }`;

/** The plan that PostgreSQL makes of the statement that a page was answered with. */
async function planOf(variables: object): Promise<{ nodes: Plan[]; page: Data }> {
  const { data, errors } = await post(process.url, QUERY, variables);
  expect(errors).toBeUndefined();
  const sent = await sentBy(process, 'as value from product p');
  return { nodes: await stepsOf(world.pool, sent), page: data.products };
}

it.each<[string, object, string]>([
  ['NEWEST', {}, 'product_pkey'],
  ['PRICE_ASC', {}, 'product_price'],
  ['PRICE_DESC', {}, 'product_price'],
  ['NAME', {}, 'product_name'],
  ['NEWEST', { category: 'category 7' }, 'product_category'],
  ['PRICE_ASC', { category: 'category 7' }, 'product_category_price'],
  ['PRICE_DESC', { category: 'category 7', minPrice: 100, maxPrice: 900 }, 'product_category_price'],
  ['NAME', { category: 'category 7' }, 'product_category_name'],
  ['PRICE_ASC', { minPrice: 4_000 }, 'product_price'],
  ['PRICE_DESC', { minPrice: 1_000, maxPrice: 1_100 }, 'product_price'],
  ['NEWEST', { minPrice: 17, maxPrice: 17 }, 'product_price'],
  ['NEWEST', { inStock: false }, 'product_sold_out'],
  ['PRICE_ASC', { inStock: true }, 'product_price'],
  ['NEWEST', { search: 'number777' }, 'product_words'],
  ['PRICE_ASC', { search: 'series499 product' }, 'product_words'],
  ['NAME', { search: 'series431', category: 'category 31' }, 'product_words'],
])(
  'of 100,000 products a page by %s of %j is found by an index, the next one, the last one and the one before it too',
  async (sort, filter, index) => {
    const first = await planOf({ sort, filter });
    const next = await planOf({ sort, filter, after: first.page.pageInfo.endCursor });
    const last = await planOf({ sort, filter, last: 20 });
    const previous = await planOf({ sort, filter, last: 20, before: first.page.pageInfo.endCursor });
    for (const { nodes } of [first, next, last, previous]) {
      expect(nodes.filter((node) => node['Node Type'] === 'Seq Scan')).toEqual([]);
      expect(nodes.flatMap((node) => node['Index Name'] ?? [])).toContain(index);
    }
    expect(first.page.edges.length).toBeGreaterThan(0);
  },
);

it('a page in the order of an index is walked, not sorted', async () => {
  for (const [sort, filter] of [
    ['NEWEST', {}],
    ['PRICE_DESC', {}],
    ['NAME', { category: 'category 7' }],
    ['PRICE_ASC', { category: 'category 7' }],
  ] as const) {
    for (const page of [{}, { last: 20 }]) {
      const { nodes } = await planOf({ sort, filter, ...page });
      expect(nodes.map((node) => node['Node Type']).filter((type) => /Sort/.test(type))).toEqual([]);
    }
  }
});

it('page after page, a category of 500 products that share prices is told whole', async () => {
  const seen = new Set<string>();
  let pages = 0;
  for (let after: string | null = null; pages < 100; pages++) {
    const { page }: { page: Data } = await planOf({ sort: 'PRICE_ASC', filter: { category: 'category 3' }, after });
    for (const { node } of page.edges) seen.add(node.id);
    after = page.pageInfo.endCursor;
    if (after === null || page.edges.length < 20) break;
  }
  expect(seen.size).toBe(PRODUCTS / 200);
});
