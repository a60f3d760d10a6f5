import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DocumentCache } from '../../src/api/document-cache.ts';
import { Documents } from '../../src/api/documents.ts';
import { makeSchema } from '../../src/api/schema.ts';
import { enter, makeQueue } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { Socket } from '../support/socket.ts';
import { Stream } from '../support/stream.ts';
import { World } from '../support/world.ts';

let world: World;
let url: string;
let buyer: Buyer;
let token: string;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  url = world.urls[0] as string;
  [buyer] = (await world.buyers(1)) as [Buyer];
  const queueId = await makeQueue(await world.operator(), { capacity: 1 });
  token = (await enter(buyer, queueId)).value;
});
afterAll(() => world.close());

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
/** A document that nobody has sent before. */
const fresh = (query: string): string => `${query} # ${randomUUID()}`;

interface Asked {
  readonly query?: string;
  readonly variables?: object;
  readonly extensions?: object;
}
const persisted = (sha256Hash: unknown, version: unknown = 1) => ({ persistedQuery: { version, sha256Hash } });

interface Told {
  readonly status: number;
  readonly type: string | null;
  readonly cache: string | null;
  readonly body: Data;
}

async function tell(response: Response): Promise<Told> {
  const { status, headers } = response;
  return {
    status,
    type: headers.get('content-type'),
    cache: headers.get('cache-control'),
    body: await response.json(),
  };
}

/** By a plan, unless `accept` has a weight. */
async function post(asked: Asked, accept = 'application/json'): Promise<Told> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${buyer.accessToken}`, accept };
  return tell(await fetch(url, { method: 'POST', headers, body: JSON.stringify(asked) }));
}

async function get({ query, variables, extensions }: Asked, accept = 'application/json'): Promise<Told> {
  const search = new URLSearchParams();
  if (query !== undefined) search.set('query', query);
  for (const [name, value] of Object.entries({ variables, extensions })) {
    if (value !== undefined) search.set(name, JSON.stringify(value));
  }
  return tell(await fetch(`${url}?${search}`, { headers: { accept } }));
}

/** Who answers: a plan, or Apollo, which a weighted type needs. */
const BY = ['application/json', 'application/json;q=0.9'];
const ASK = { post, get };
const CASES = (['post', 'get'] as const).flatMap((method) => BY.map((accept) => ({ method, accept })));

it.each(CASES)('a hash is unknown until the text came with it, by $method as $accept', async ({ method, accept }) => {
  const ask = ASK[method];
  const query = fresh('query Named { settings { currency } }');
  const hash = sha256(query);
  const alone = { extensions: persisted(hash) };
  expect(await ask(alone, accept)).toEqual({
    status: 200,
    type: 'application/json; charset=utf-8',
    cache: 'no-store',
    body: { errors: [{ message: 'PersistedQueryNotFound', extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } }] },
  });
  const answer = { status: 200, body: { data: { settings: { currency: 'KRW' } } } };
  expect(await ask({ query, ...alone }, accept)).toMatchObject(answer);
  for (const either of BY) {
    expect(await post(alone, either)).toMatchObject(answer);
    expect(await get(alone, either)).toMatchObject(answer);
  }
});

it.each(BY)('a hash that does not fit its text is refused, and neither is kept under it, as %s', async (accept) => {
  const [query, other] = [fresh('{ settings { currency } }'), fresh('{ settings { timeZone } }')];
  const refused = { errors: [{ message: 'provided sha does not match query', extensions: { code: 'BAD_REQUEST' } }] };
  for (const hash of [sha256(other), sha256(query).toUpperCase(), '', 'x'.repeat(100_000)]) {
    expect(await post({ query, extensions: persisted(hash) }, accept)).toMatchObject({ status: 400, body: refused });
    const { body } = await post({ extensions: persisted(hash) }, accept);
    expect(body.errors[0].extensions.code).toBe('PERSISTED_QUERY_NOT_FOUND');
  }
});

it.each(BY)('a persisted query of another form is refused, as %s', async (accept) => {
  const query = fresh('{ settings { currency } }');
  const hash = sha256(query);
  for (const extensions of [
    persisted(hash, 2),
    persisted(hash, '1'),
    persisted(7),
    persisted(null),
    { persistedQuery: true },
  ]) {
    for (const asked of [{ extensions }, { query, extensions }]) {
      const answer = { status: 400, body: { errors: [{ extensions: { code: 'BAD_REQUEST' } }] } };
      expect(await post(asked, accept)).toMatchObject(answer);
    }
  }
});

it('an unknown hash is 400 in the type that is of GraphQL alone, which has no 200 without data', async () => {
  for (const accept of ['application/graphql-response+json', 'application/graphql-response+json;q=0.9']) {
    const told = await post({ extensions: persisted(sha256(fresh('x'))) }, accept);
    expect(told).toMatchObject({ status: 400, type: 'application/graphql-response+json; charset=utf-8' });
    expect(told.body.errors[0].extensions.code).toBe('PERSISTED_QUERY_NOT_FOUND');
  }
});

it('a hash stands for the text with all that counts for it: variables, the caller, the method', async () => {
  const poll = fresh('query ($token: ID!) { queueToken(value: $token) { status } }');
  const sneak = fresh('mutation { leaveQueue(token: "x") { status } }');
  for (const query of [poll, sneak]) await post({ query, extensions: persisted(sha256(query)) });
  const asked = { extensions: persisted(sha256(poll)) };
  for (const accept of BY) {
    expect((await post({ ...asked, variables: { token } }, accept)).body.data.queueToken.status).toMatch(/^[A-Z]+$/);
    expect(await post(asked, accept)).toMatchObject({
      status: 400,
      body: { errors: [{ extensions: { code: 'BAD_USER_INPUT', argument: 'value' } }] },
    });
    expect((await get({ ...asked, variables: { token } }, accept)).body.errors[0].message).toContain('preflight');
    expect((await get({ extensions: persisted(sha256(sneak)) }, accept)).status).toBe(405);
  }
});

it('a document that is wrong is refused as it is, with a hash too', async () => {
  for (const query of [fresh('{ nothing }'), fresh('{ settings')]) {
    const extensions = persisted(sha256(query));
    for (const accept of BY) {
      expect((await post({ query, extensions }, accept)).body).toEqual((await post({ query }, accept)).body);
      expect((await post({ extensions }, accept)).body.errors[0].extensions.code).toBe('PERSISTED_QUERY_NOT_FOUND');
    }
  }
});

it('a subscription is opened by its hash, over a socket and as a stream, once its text came', async () => {
  const query = fresh('subscription ($token: ID!) { queuePosition(token: $token) { status } }');
  const [extensions, variables] = [persisted(sha256(query)), { token }];
  const socket = await Socket.ready(url, buyer.accessToken);
  const headers = { authorization: `Bearer ${buyer.accessToken}` };
  const notFound = [{ message: 'PersistedQueryNotFound', extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } }];
  socket.send({ type: 'subscribe', id: '1', payload: { query: '', variables, extensions } });
  expect((await socket.until(({ id }) => id === '1')).payload).toEqual(notFound);
  for (const alone of [
    { variables, extensions },
    { query: '', variables, extensions },
  ]) {
    const unknown = await Stream.open(url, headers, alone);
    expect((await unknown.until(() => true)).errors).toEqual(notFound);
  }
  socket.send({ type: 'subscribe', id: '2', payload: { query, variables, extensions } });
  expect((await socket.until(({ id }) => id === '2')).payload.data.queuePosition.status).toMatch(/^[A-Z]+$/);
  socket.send({ type: 'subscribe', id: '3', payload: { query: '', variables, extensions } });
  expect((await socket.until(({ id }) => id === '3')).payload.data.queuePosition.status).toMatch(/^[A-Z]+$/);
  const known = await Stream.open(url, headers, { variables, extensions });
  expect((await known.until(() => true)).data.queuePosition.status).toMatch(/^[A-Z]+$/);
  known.close();
  const wrong = await Stream.open(url, headers, { query, variables, extensions: persisted(sha256('x')) });
  expect((await wrong.until(() => true)).errors).toMatchObject([{ extensions: { code: 'BAD_REQUEST' } }]);
  await socket.close();
});

it('a request reads its document once, be it wrong or too long to be kept', () => {
  const documents = new Documents(makeSchema(), false);
  for (const text of ['{ nothing }', '{', `{ __typename } # ${'x'.repeat(20_000)}`]) {
    const named = { text };
    expect(documents.read(named, null)).toBe(documents.read(named, null));
    expect(documents.read({ text }, null)).not.toBe(documents.read(named, null));
  }
});

it('no persisted query reaches Redis', async () => {
  const query = fresh('{ settings { currency } }');
  await post({ query, extensions: persisted(sha256(query)) });
  const keys = await world.redis.keys('*');
  expect(keys.filter((key) => key.includes(sha256(query)) || key.includes('apq'))).toEqual([]);
});

it('who sends ever new documents pushes out none that is asked for more often', () => {
  const documents = new Documents(makeSchema(), false);
  const read = (text: string): void => void documents.read({ text }, null);
  const asked = Array.from({ length: 100 }, (_, index) => `query Asked${index} { settings { currency } }`);
  for (let time = 1; time <= 3; time++) asked.forEach(read);
  for (let flood = 0; flood < 3_000; flood++) for (let time = 1; time <= 2; time++) read(`{ f${flood}: __typename }`);
  const isKnown = (text: string): boolean => documents.textOf({ hash: sha256(text) }) === text;
  expect(asked.filter((text) => !isKnown(text))).toEqual([]);
  expect(Array.from({ length: 3_000 }, (_, flood) => `{ f${flood}: __typename }`).filter(isKnown).length).toBeLessThan(
    1_000,
  );
});

it('what was asked for often long ago makes way for what is asked for now', () => {
  const cache = new DocumentCache();
  const known = { document: { kind: 'Document', definitions: [], loc: { end: 600 } }, plan: undefined } as never;
  const ask = (key: string, times: number): void => {
    if (!cache.get(key)) cache.set(key, known);
    for (let time = 1; time < times; time++) cache.get(key);
  };
  for (let old = 0; old < 833; old++) ask(`old ${old}`, 20);
  for (let recent = 0; recent < 900; recent++) ask(`recent ${recent}`, 200);
  const kept = Array.from({ length: 900 }, (_, recent) => cache.get(`recent ${recent}`)).filter(Boolean);
  expect(kept.length).toBeGreaterThan(700);
});
