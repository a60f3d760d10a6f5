import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { buildSchema, type GraphQLError, type GraphQLObjectType } from 'graphql';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Documents } from '../../src/api/documents.ts';
import { charge, enter, makeQueue, makeShow, pay, reserve } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { type Asked, DocumentMaker } from '../support/documents.ts';
import { line, type Place } from '../support/places.ts';
import { claim, makeCoupon, makeProduct, placeOrder } from '../support/shop.ts';
import { read } from '../support/sources.ts';
import { Stream } from '../support/stream.ts';
import { World } from '../support/world.ts';

const SEED = 20_261_125;
const schema = buildSchema(read('schema/schema.graphql'));
const [QUERY, SUBSCRIPTION] = [schema.getQueryType(), schema.getSubscriptionType()] as [
  GraphQLObjectType,
  GraphQLObjectType,
];

/** What answers another thing each time that it is asked. */
const CHANGING = new Set([
  'Query.audit',
  'Query.cacheStats',
  'Query.queueHistory',
  'Queue.stats',
  'QueueToken.validUntil',
]);
const isChanging = (type: string, field: string): boolean => CHANGING.has(`${type}.${field}`);
const QUERIES = Object.keys(QUERY.getFields()).filter((name) => !isChanging('Query', name));

let world: World;
let url: string;
let maker: DocumentMaker;
let place: Place;
/** Who asks: the buyer of everything, somebody else, the operator, nobody. */
let callers: Record<string, string>[];
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  url = world.urls[0] as string;
  const operator = await world.operator();
  const [buyer, other] = (await world.buyers(2, 10_000)) as [Buyer, Buyer];
  const queueId = await makeQueue(operator, { capacity: 0 });
  [place] = (await line([buyer], queueId)) as [Place];
  const { value: theirs } = await enter(other, queueId);
  const sections = [
    { name: 'ㄱ "quoted" \\ section', seatCount: 3, price: 7 },
    { name: 'b', seatCount: 2, price: 0 },
  ];
  const show = await makeShow(operator, { sections });
  const gated = await makeShow(operator, {}, queueId);
  const reservation = await reserve(buyer, show.id, show.seats.slice(0, 2));
  await pay(buyer, reservation.id);
  await charge(buyer, 100);
  const product = await makeProduct(operator, { stock: null });
  const coupon = await makeCoupon(operator);
  await claim(buyer, coupon);
  const order = await placeOrder(buyer, { [product]: 2 });
  maker = new DocumentMaker(
    schema,
    {
      id: [reservation.id, order.id, product, coupon, show.concertId, queueId, randomUUID(), 'no id'],
      showId: [show.id, show.id, gated.id, randomUUID(), ''],
      concertId: [show.concertId, show.concertId, gated.concertId, 'no id'],
      queueId: [queueId, randomUUID()],
      value: [place.value, place.value, place.value, theirs, 'no token'],
      token: [place.value],
      version: ['', 'another'],
      first: [1, 2, 20, 0, 1_000, null],
      after: [null, 'bm8gY3Vyc29y'],
      last: [null, null, null, 3, 0],
      before: [null, null, 'bm8gY3Vyc29y'],
      afterNumber: [0, 2, null],
      section: ['b', null, 'nowhere'],
      date: [new Date(Date.now() + 86_400_000).toISOString().slice(0, 10), '2026-02-30'],
      days: [1, 3, 0],
      filter: [null, { inStock: true }, { search: 'thing', minPrice: 1 }, { minPrice: 'x' }],
    },
    isChanging,
  );
  callers = [place.buyer, other, operator].map(({ accessToken }) => ({ authorization: `Bearer ${accessToken}` }));
  callers.push({});
});
afterAll(() => world.close());

it('a document is read once, and stays known while others come and go; long ones are never kept', () => {
  const documents = new Documents(buildSchema('type Query { a: Int }'), false);
  const known = documents.read({ text: '{ a }' }, null);
  expect(known).toHaveProperty('plan');
  for (let other = 0; other < 5_000; other++) {
    documents.read({ text: `{ a${other}: a }` }, null);
    if (other % 500 === 0) expect(documents.read({ text: '{ a }' }, null)).toBe(known);
  }
  const long = `{ a # ${'long '.repeat(4_000)}\n}`;
  expect(documents.read({ text: long }, null)).not.toBe(documents.read({ text: long }, null));
});

it('documents with errors are not known', () => {
  const documents = new Documents(buildSchema('type Query { a: Int }'), true);
  for (const [text, code] of [
    ['{ b }', 'GRAPHQL_VALIDATION_FAILED'],
    ['{ __schema { types { name } } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['{ a', 'GRAPHQL_PARSE_FAILED'],
    ['{'.repeat(101), 'GRAPHQL_VALIDATION_FAILED'],
  ] as const) {
    for (let time = 1; time <= 2; time++) {
      const [first] = documents.read({ text }, null) as GraphQLError[];
      expect(first?.extensions.code).toBe(code);
    }
  }
});

/** Status, kind and text of the answer. @param accept weighed, so that Apollo has to answer; else not */
async function answer(asked: Asked, caller: Record<string, string>, accept: string) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept, ...caller },
    body: JSON.stringify(asked),
  });
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
}

/**
 * Asks both ways. @returns the data, where the document was executed
 * @param told what both ways have to agree on, of the text of an answer
 */
async function compare(
  asked: Asked,
  caller: Record<string, string>,
  told: (text: string) => unknown = (text) => text,
): Promise<Data> {
  const byApollo = await answer(asked, caller, 'application/json;q=0.9');
  expect(byApollo.text).not.toContain('INTERNAL_SERVER_ERROR');
  for (let time = 1; time <= 2; time++) {
    const known = await answer(asked, caller, 'application/json');
    expect({ ...known, text: told(known.text) }).toEqual({ ...byApollo, text: told(byApollo.text) });
  }
  return JSON.parse(byApollo.text).data;
}

/**
 * An answer to a document of several fields. They fail in the order in which PostgreSQL answers their checks: errors are
 * in no order, and where the first one takes away all data, it may be any of them.
 */
function inNoOrder(text: string): unknown {
  const { data, errors } = JSON.parse(text) as { data?: Data; errors?: object[] };
  if (data === null) return { data, errors: errors?.length };
  return { data, errors: errors?.map((error) => JSON.stringify(error)).sort() };
}

it('a query with a plan is answered to the byte as Apollo answers it, whatever is asked by whom', async () => {
  let [answered, refused] = [0, 0];
  const property = fc.asyncProperty(fc.gen(), async (g) => {
    const data = await compare(maker.plain(g, QUERY, QUERIES), g(fc.constantFrom, ...callers));
    if (data && Object.values(data).some((value) => value !== null)) answered += 1;
    else refused += 1;
  });
  await fc.assert(property, { seed: SEED, numRuns: 250, endOnFailure: true });
  expect(answered).toBeGreaterThan(30);
  expect(refused).toBeGreaterThan(25);
});

it('so is every other query: with fragments, @include and @skip, several fields, and wrong variables', async () => {
  let [answered, refused] = [0, 0];
  const property = fc.asyncProperty(fc.gen(), async (g) => {
    const data = await compare(maker.any(g, QUERY, QUERIES), g(fc.constantFrom, ...callers), inNoOrder);
    if (data && Object.values(data).some((value) => value !== null)) answered += 1;
    else refused += 1;
  });
  await fc.assert(property, { seed: SEED, numRuns: 250, endOnFailure: true });
  expect(answered).toBeGreaterThan(20);
  expect(refused).toBeGreaterThan(25);
});

it('an event with a plan is written to the byte as it is executed', async () => {
  /** The first event as text. */
  const first = async (asked: Asked): Promise<string> => {
    const stream = await Stream.subscribe(url, place.buyer.accessToken, asked.query, asked.variables);
    await stream.until(() => true);
    stream.close();
    return /^event: next\ndata: (.*)$/m.exec(stream.text)?.[1] ?? '';
  };
  const property = fc.asyncProperty(fc.gen(), async (g) => {
    const { operationName: _, ...asked } = maker.plain(g, SUBSCRIPTION, ['queuePosition']);
    // A fragment around all that is selected makes it be executed.
    const executed = asked.query.replace(/(queuePosition\([^)]*\) \{)(.*)\} \}$/, '$1 ... { $2 } } }');
    expect(executed).not.toBe(asked.query);
    expect(await first(asked)).toBe(await first({ ...asked, query: executed }));
  });
  await fc.assert(property, { seed: SEED, numRuns: 40, endOnFailure: true });
});
