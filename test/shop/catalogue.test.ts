import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Buyer, type Data, post } from '../support/client.ts';
import { forgedCursor } from '../support/cursors.ts';
import { makeProduct } from '../support/shop.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
/** By name, each in its own category of a pair. */
const ids: Record<string, string> = {};
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  operator = await world.operator();
  const things: [name: string, description: string, category: string, price: number, stock: number | null][] = [
    ['Poster', 'A1, signed by the band', 'paper', 1_500, 10],
    ['poster small', 'A3', 'paper', 500, 0],
    ['Éclair', 'with coffee cream', 'food', 400, 3],
    ['Coffee', 'black, made to order', 'food', 300, null],
    ['아메리카노', '따뜻한 커피', 'food', 300, null],
    ['T-Shirt', 'BLACK cotton', 'clothes', 2_500, 5],
  ];
  for (const [name, description, category, price, stock] of things) {
    ids[name] = await makeProduct(operator, { name, description, category, price, stock });
  }
});
afterAll(() => world.close());

const QUERY = `query ($filter: ProductFilter, $sort: ProductSort! = NEWEST, $first: Int! = 20, $after: String) {
  products(filter: $filter, sort: $sort, first: $first, after: $after) {
    edges { cursor node { id name stock soldOut } } pageInfo { hasNextPage endCursor } } }`;

async function namesOf(filter: object | null, sort = 'NEWEST'): Promise<string[]> {
  const { products } = await operator.get(QUERY, { filter, sort });
  return products.edges.map(({ node }: Data) => node.name);
}

it('anybody may look, without signing in', async () => {
  const { data, errors } = await post(world.urls[0] as string, QUERY);
  expect(errors).toBeUndefined();
  expect(data.products.edges).toHaveLength(6);
  const one = await post(world.urls[0] as string, `{ product(id: "${ids.Coffee}") { name price stock soldOut } }`);
  expect(one.data.product).toEqual({ name: 'Coffee', price: 300, stock: null, soldOut: false });
});

it('is sorted as asked: newest first, by price both ways, by name whatever the case', async () => {
  const newest = ['T-Shirt', '아메리카노', 'Coffee', 'Éclair', 'poster small', 'Poster'];
  expect(await namesOf(null)).toEqual(newest);
  expect(await namesOf(null, 'PRICE_ASC')).toEqual([
    'Coffee',
    '아메리카노',
    'Éclair',
    'poster small',
    'Poster',
    'T-Shirt',
  ]);
  expect(await namesOf(null, 'PRICE_DESC')).toEqual([
    'T-Shirt',
    'Poster',
    'poster small',
    'Éclair',
    '아메리카노',
    'Coffee',
  ]);
  expect(await namesOf(null, 'NAME')).toEqual(['Coffee', 'Poster', 'poster small', 'T-Shirt', 'Éclair', '아메리카노']);
});

it.each<[string, string[]]>([
  ['poster', ['poster small', 'Poster']],
  ['POSTER signed', ['Poster']],
  ['black', ['T-Shirt', 'Coffee']],
  ['coffee', ['Coffee', 'Éclair']],
  ['éCLAIR', ['Éclair']],
  ['커피', ['아메리카노']],
  ['post', ['poster small', 'Poster']],
  ['shirt', ['T-Shirt']],
  ['t-shirt', ['T-Shirt']],
  ['oster', []],
  ['poster coffee', []],
  [`'; drop table product; --`, []],
  ['!!!', []],
  ["a1'", ['Poster']],
  ['   ', ['T-Shirt', '아메리카노', 'Coffee', 'Éclair', 'poster small', 'Poster']],
])('a search for %j finds %j', async (search, found) => {
  expect(await namesOf({ search })).toEqual(found);
});

it('filters by category, by price with its bounds, by stock, and by all at once', async () => {
  expect(await namesOf({ category: 'paper' })).toEqual(['poster small', 'Poster']);
  expect(await namesOf({ category: 'Paper' })).toEqual([]);
  expect(await namesOf({ minPrice: 400, maxPrice: 1_500 })).toEqual(['Éclair', 'poster small', 'Poster']);
  expect(await namesOf({ inStock: false })).toEqual(['poster small']);
  expect(await namesOf({ inStock: true, category: 'paper' })).toEqual(['Poster']);
  expect(await namesOf({ inStock: true, search: 'coffee', maxPrice: 350 }, 'NAME')).toEqual(['Coffee']);
  expect(await namesOf({ search: null, category: null, minPrice: null, maxPrice: null, inStock: null })).toHaveLength(
    6,
  );
});

it('filters by ids: unknown ones are left out, none is nothing, and other conditions hold too', async () => {
  expect(await namesOf({ ids: [ids.Coffee, ids.Poster, randomUUID()] })).toEqual(['Coffee', 'Poster']);
  expect(await namesOf({ ids: [ids.Coffee, ids.Poster], category: 'paper' })).toEqual(['Poster']);
  expect(await namesOf({ ids: [] })).toEqual([]);
  for (const wrong of [['x'], Array.from({ length: 101 }, () => randomUUID())]) {
    expect(await operator.fail(QUERY, { filter: { ids: wrong } })).toBe('BAD_USER_INPUT');
  }
});

it.each(['NEWEST', 'PRICE_ASC', 'PRICE_DESC', 'NAME'])(
  'pages by %s have everything once, also when products are added and sold out in between',
  async (sort) => {
    const all = await namesOf(null, sort);
    const seen: string[] = [];
    for (let after: string | null = null; ; ) {
      const { products }: Data = await operator.get(QUERY, { sort, first: 2, after });
      seen.push(...products.edges.map(({ node }: Data) => node.name));
      if (!products.pageInfo.hasNextPage) break;
      after = products.pageInfo.endCursor;
      const added = await makeProduct(operator, { name: 'Aaa', price: 0 });
      await world.pool.query('update product set stock = 0 where id = $1', [ids.Poster]);
      if (sort === 'PRICE_DESC') await world.pool.query('update product set price = 9999 where id = $1', [added]);
      await world.pool.query('delete from product where id = $1', [added]);
    }
    expect(seen).toEqual(all);
  },
);

it('a cursor of another order, a forged one, and pages that cannot be are BAD_USER_INPUT', async () => {
  const { products } = await operator.get(QUERY, { sort: 'NAME', first: 1 });
  const cursor = products.edges[0].cursor;
  for (const variables of [
    { sort: 'PRICE_ASC', after: cursor },
    { sort: 'NAME', after: `!${cursor}` },
    { sort: 'PRICE_ASC', after: forgedCursor('product PRICE_ASC', `${ids.Coffee} 1e9`) },
    { sort: 'PRICE_ASC', after: forgedCursor('product PRICE_ASC', `${ids.Coffee} -1`) },
    { sort: 'NAME', after: forgedCursor('product NAME', `${ids.Coffee} a\0b`) },
    { sort: 'NAME', after: forgedCursor('product NAME', `not-an-id name`) },
    { sort: 'NEWEST', after: forgedCursor('product NEWEST', ``) },
    { sort: 'NEWEST', first: 0 },
    { sort: 'NEWEST', first: 101 },
    { sort: 'NEWEST', filter: { minPrice: 2, maxPrice: 1 } },
    { sort: 'NEWEST', filter: { minPrice: -1 } },
    { sort: 'NEWEST', filter: { search: 'x'.repeat(201) } },
    { sort: 'NEWEST', filter: { search: 'a\0b' } },
    { sort: 'NEWEST', filter: { category: 'a\0b' } },
    { sort: 'CHEAPEST' },
  ]) {
    expect(await operator.fail(QUERY, variables), JSON.stringify(variables)).toBe('BAD_USER_INPUT');
  }
});
