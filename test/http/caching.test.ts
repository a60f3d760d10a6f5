import { randomUUID } from 'node:crypto';
import { getDirective } from '@graphql-tools/utils';
import { type GraphQLField, getNamedType, isInterfaceType, isObjectType } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Declared } from '../../src/api/context.ts';
import { makeSchema } from '../../src/api/schema.ts';
import { makeQueue, makeShow } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import { drawn, makeScheduled, openNow } from '../support/openings.ts';
import { update } from '../support/places.ts';
import { makeProduct } from '../support/shop.ts';
import { read } from '../support/sources.ts';
import { World } from '../support/world.ts';

let world: World;
let url: string;
let operator: Buyer;
let concertId: string;
let showId: string;
let productId: string;
let queueId: string;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  url = world.urls[0] as string;
  operator = await world.operator();
  ({ id: showId, concertId } = await makeShow(operator));
  productId = await makeProduct(operator);
  queueId = await makeQueue(operator, { capacity: 0 });
  await update(operator, queueId, { board: true });
});
afterAll(() => world.close());

interface Told {
  readonly status: number;
  readonly cache: string | null;
  readonly etag: string | null;
  readonly vary: string | null;
  readonly text: string;
}

async function get(query: string, headers: Record<string, string> = {}, variables?: object): Promise<Told> {
  const search = new URLSearchParams({ query, ...(variables && { variables: JSON.stringify(variables) }) });
  const response = await fetch(`${url}?${search}`, { headers });
  const of = (name: string) => response.headers.get(name);
  const [cache, etag, vary] = [of('cache-control'), of('etag'), of('vary')];
  return { status: response.status, cache, etag, vary, text: await response.text() };
}

const kept = (seconds: number) => ({
  status: 200,
  cache: `public, max-age=${seconds}`,
  etag: expect.stringMatching(/^"[\w-]{43}"$/),
  vary: 'accept, authorization, origin',
});
const notKept = { cache: 'no-store', etag: null };

/** Who answers: a plan where there is one, or Apollo. */
const BY = ['application/json', 'application/json;q=0.9'];

const schema = makeSchema();
const secondsOf = ({ extensions }: { extensions: unknown }): number | undefined =>
  (extensions as Declared).cacheSeconds;

interface Field {
  readonly type: string;
  readonly name: string;
  readonly extensions: Declared;
  readonly field: GraphQLField<unknown, unknown>;
}
const fields: Field[] = Object.values(schema.getTypeMap()).flatMap((type) =>
  isObjectType(type) || isInterfaceType(type)
    ? Object.values(type.getFields()).map((field) => ({
        type: type.name,
        name: field.name,
        extensions: field.extensions as Declared,
        field,
      }))
    : [],
);

/** A query for a field with all that caches may keep of it. */
function whole(root: string, args: string): string {
  const select = (typeName: string, above: readonly string[]): string => {
    const type = schema.getType(typeName);
    if (!isObjectType(type)) return '';
    const parts = Object.values(type.getFields()).flatMap((field) => {
      const inner = getNamedType(field.type).name;
      if (secondsOf(field) === undefined || above.includes(inner)) return [];
      return [`${field.name} ${select(inner, [...above, inner])}`];
    });
    return `{ __typename ${parts.join(' ')} }`;
  };
  const field = schema.getQueryType()?.getFields()[root];
  const type = field && getNamedType(field.type).name;
  return `{ ${root}${args} ${type && select(type, [type])} }`;
}

const ARGS: Record<string, () => string> = {
  settings: () => '',
  concerts: () => '(first: 5)',
  concert: () => `(id: "${concertId}")`,
  concertBySlug: () => '(slug: "a-concert")',
  show: () => `(id: "${showId}")`,
  products: () => '(first: 5, filter: { minPrice: 1 })',
  product: () => `(id: "${productId}")`,
  bestSellers: () => '(days: 3)',
  queueBoard: () => `(queueId: "${queueId}")`,
};

describe('what caches may keep', () => {
  it('is public, for nobody in particular: it is neither @queued nor @operator', () => {
    const hinted = fields.filter(({ extensions }) => extensions.cacheSeconds !== undefined);
    const roots = hinted.filter(({ type }) => type === 'Query');
    expect(roots.filter(({ extensions }) => !extensions.isPublic)).toEqual([]);
    expect(hinted.filter(({ type }) => type === 'Mutation' || type === 'Subscription')).toEqual([]);
    const restricted = hinted.filter(({ field }) =>
      ['queued', 'operator'].some((directive) => getDirective(schema, field, directive)),
    );
    expect(restricted).toEqual([]);
    const operators = fields.filter(({ field }) => getDirective(schema, field, 'operator'));
    expect(operators.length, 'directives are found').toBeGreaterThan(20);
    expect(roots.every(({ extensions }) => Number.isInteger(extensions.cacheSeconds))).toBe(true);
  });

  it('is what docs/graphql-over-http.md lists', () => {
    const roots = fields.filter(({ type, extensions }) => type === 'Query' && extensions.cacheSeconds !== undefined);
    const rows = read('docs/graphql-over-http.md').matchAll(/^\| `([a-z]\w+)` +\| (\d+) +\|/gm);
    const listed = Object.fromEntries([...rows].map(([, name, seconds]) => [name, Number(seconds)]));
    expect(listed).toEqual(Object.fromEntries(roots.map(({ name, extensions }) => [name, extensions.cacheSeconds])));
  });

  it('is asked for by this test as a whole, but for lists of what belongs to somebody', () => {
    const asked = [...Object.keys(ARGS), 'queueShuffle'].map((root) => whole(root, '')).join();
    const left = fields.filter(
      ({ type, name, extensions }) =>
        extensions.cacheSeconds !== undefined && !/(Edge|Connection)$/.test(type) && !asked.includes(` ${name} `),
    );
    expect(left.map(({ type, name }) => `${type}.${name}`)).toEqual([]);
  });

  it.each(Object.keys(ARGS))('is served to anybody by GET, named by its ETag: %s', async (root) => {
    const query = whole(root, (ARGS[root] as () => string)());
    const seconds = fields.find(({ type, name }) => type === 'Query' && name === root)?.extensions.cacheSeconds ?? 0;
    for (const accept of BY) {
      const first = await get(query, { accept });
      expect(first).toMatchObject(kept(seconds));
      expect(JSON.parse(first.text).data[root]).not.toBeNull();
      const { etag } = first as { etag: string };
      for (const named of [etag, `W/${etag}`, `"another", ${etag}`, '*']) {
        expect(await get(query, { accept, 'if-none-match': named })).toEqual({ ...first, status: 304, text: '' });
      }
      expect(await get(query, { accept, 'if-none-match': '"another"' })).toEqual(first);
    }
    const [plan, apollo] = [
      await get(query, { accept: BY[0] as string }),
      await get(query, { accept: BY[1] as string }),
    ];
    expect(plan).toEqual(apollo);
    const graphql = await get(query, { accept: 'application/graphql-response+json' });
    expect(graphql.text).toBe(plan.text);
    expect(graphql.etag).not.toBe(plan.etag);
  });

  it('has nothing of the request that it answered: neither its id nor its origin', async () => {
    const headers = { 'x-request-id': 'of-somebody', origin: 'https://elsewhere.example' };
    const { headers: told } = await fetch(`${url}?query=${encodeURIComponent('{ settings { currency } }')}`, {
      headers,
    });
    expect(told.get('cache-control')).toBe('public, max-age=60');
    expect(JSON.stringify([...told])).not.toMatch(/of-somebody|elsewhere|set-cookie/);
  });

  it('is as old as its youngest part', async () => {
    expect(await get('{ settings { currency } bestSellers { rank } }')).toMatchObject(kept(2));
    expect(await get('{ settings { currency } concerts { edges { node { id } } } }')).toMatchObject(kept(10));
  });

  it('is a new answer to the ETag of an old one', async () => {
    const query = `{ concert(id: "${concertId}") { title } }`;
    const before = await get(query);
    const title = `renamed ${randomUUID()}`;
    await operator.get('mutation ($input: UpdateConcertInput!) { updateConcert(input: $input) { __typename } }', {
      input: { id: concertId, title },
    });
    const after = await get(query, { 'if-none-match': before.etag ?? '' });
    expect(after).toMatchObject({ ...kept(10), text: JSON.stringify({ data: { concert: { title } } }) });
    expect(after.etag).not.toBe(before.etag);
  });

  it('is the order of a queue once it was drawn, and not before', async () => {
    const queueId = await makeScheduled(operator);
    const query = whole('queueShuffle', `(queueId: "${queueId}")`);
    for (const accept of BY) expect(await get(query, { accept })).toMatchObject({ status: 200, ...notKept });
    await openNow(operator, queueId);
    await drawn(url, queueId);
    for (const accept of BY) {
      const told = await get(query, { accept });
      expect(told).toMatchObject(kept(3_600));
      expect(await get(query, { accept, 'if-none-match': told.etag ?? '' })).toMatchObject({ status: 304, text: '' });
    }
    const unknown = `{ queueShuffle(queueId: "${randomUUID()}") { seed } }`;
    expect(await get(unknown)).toMatchObject({ status: 200, ...notKept });
  });
});

describe('no cache keeps', () => {
  it.each([
    ['a count of free seats', () => `{ show(id: "${showId}") { id availableCount } }`],
    ['a stock', () => `{ product(id: "${productId}") { id stock } }`],
    ['a stock in a fragment', () => `{ product(id: "${productId}") { id ...S } } fragment S on Product { soldOut }`],
    ['a stock that is skipped', () => `{ product(id: "${productId}") { id stock @skip(if: true) } }`],
    ['what is in stock', () => '{ products(filter: { inStock: true }) { edges { cursor } } }'],
    ["a queue's state", () => `{ concert(id: "${concertId}") { queue { id state } } }`],
    [
      'dates behind a queue, which by this header anybody may ask for',
      () => `{ availableDates(concertId: "${concertId}") { id } }`,
    ],
    ['who is signed in', () => '{ me { id } settings { currency } }'],
    ['the schema', () => '{ __schema { queryType { name } } settings { currency } }'],
    ['nothing but a name of a type', () => '{ __typename }'],
    ['an error', () => '{ bestSellers(days: 0) { rank } }'],
    ['an error beside an answer', () => '{ settings { currency } concert(id: "no id") { id } }'],
    ['a document that is wrong', () => '{ settings { nothing } }'],
  ])('%s', async (_what, query) => {
    for (const accept of BY) {
      const { etag } = await get('{ settings { currency } }', { accept });
      for (const named of [etag as string, '*']) {
        const told = await get(query(), { accept, 'if-none-match': named, 'apollo-require-preflight': '1' });
        expect(told).toMatchObject(notKept);
        expect(told.status).not.toBe(304);
      }
    }
  });

  it('what somebody asks who says who they are, even where the answer is everybody’s', async () => {
    const buyer = await world.buyer();
    const headers = { 'apollo-require-preflight': '1', 'if-none-match': '*' };
    for (const credentials of [
      { authorization: `Bearer ${operator.accessToken}` },
      { authorization: `Bearer ${buyer.accessToken}` },
      { cookie: 'onsale-session=any' },
      { 'x-queue-token': 'any' },
    ] as Record<string, string>[]) {
      for (const accept of BY) {
        const told = await get('{ settings { currency } }', { ...headers, ...credentials, accept });
        expect(told).toMatchObject({ status: 200, ...notKept });
      }
    }
  });

  it('what only operators see', async () => {
    const hidden = await makeProduct(operator, { name: 'hidden' });
    await operator.get(`mutation { withdrawProduct(input: { id: "${hidden}" }) { id } }`);
    const query = `{ product(id: "${hidden}") { name } }`;
    const theirs = await get(query, {
      'apollo-require-preflight': '1',
      authorization: `Bearer ${operator.accessToken}`,
    });
    expect(theirs).toMatchObject({ ...notKept, text: '{"data":{"product":{"name":"hidden"}}}' });
    expect(await get(query)).toMatchObject({ ...kept(10), text: '{"data":{"product":null}}' });
  });

  it('what is asked by POST', async () => {
    const init = { method: 'POST', headers: { 'content-type': 'application/json', 'if-none-match': '*' } };
    const response = await fetch(url, { ...init, body: JSON.stringify({ query: '{ settings { currency } }' }) });
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(response.headers.get('etag')).toBeNull();
  });
});
