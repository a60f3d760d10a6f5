import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { post } from '../support/client.ts';
import { World } from '../support/world.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const SIGN_UP = 'mutation { signUp(input: { name: "a sneak", password: "correct horse" }) { __typename } }';

let world: World;
let url: string;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  url = world.urls[0] as string;
});
afterAll(() => world.close());

async function expectNothingHappened(): Promise<void> {
  const { rows } = await world.pool.query(`select 1 from user_account where name = 'a sneak'`);
  expect(rows).toEqual([]);
}

/** Where something else than a POST of JSON is refused, and with which status. */
const REFUSED: Record<string, { status: number; search?: string; init: RequestInit }> = {
  'a batch': {
    status: 400,
    init: { method: 'POST', headers: JSON_TYPE, body: JSON.stringify([{ query: SIGN_UP }, { query: SIGN_UP }]) },
  },
  'a mutation by GET': {
    status: 405,
    search: `?query=${encodeURIComponent(SIGN_UP)}`,
    init: { headers: { 'apollo-require-preflight': '1' } },
  },
  'a mutation by a GET that any page may send': {
    status: 405,
    search: `?query=${encodeURIComponent(SIGN_UP)}`,
    init: {},
  },
  'a GET without a document': { status: 400, init: {} },
  'a GET of a form': {
    status: 415,
    search: `?query=${encodeURIComponent('{ settings { currency } }')}`,
    init: { headers: { 'content-type': 'text/plain' } },
  },
  'a POST of text that any page may send': {
    status: 400,
    init: { method: 'POST', headers: { 'content-type': 'text/plain' }, body: JSON.stringify({ query: SIGN_UP }) },
  },
  'a POST of a form': {
    status: 415,
    init: {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `query=${encodeURIComponent(SIGN_UP)}`,
    },
  },
  'a POST of several parts': {
    status: 415,
    init: {
      method: 'POST',
      headers: { 'content-type': 'multipart/form-data; boundary=x' },
      body: `--x\r\ncontent-disposition: form-data; name="operations"\r\n\r\n${JSON.stringify({ query: SIGN_UP })}\r\n--x--`,
    },
  },
  'a POST without a type': {
    status: 415,
    init: { method: 'POST', body: new TextEncoder().encode(JSON.stringify({ query: SIGN_UP })) },
  },
  'a mutation whose answer could not be sent': {
    status: 406,
    init: {
      method: 'POST',
      headers: { ...JSON_TYPE, accept: 'text/event-stream' },
      body: JSON.stringify({ query: SIGN_UP }),
    },
  },
  ...Object.fromEntries(
    ['application/json;q=0', 'application/json-seq', 'application/json;profile=x', 'text/html, application/*;q=0'].map(
      (accept) => [
        `a mutation for ${accept}`,
        {
          status: 406,
          init: { method: 'POST', headers: { ...JSON_TYPE, accept }, body: JSON.stringify({ query: SIGN_UP }) },
        },
      ],
    ),
  ),
  'JSON that breaks off': { status: 400, init: { method: 'POST', headers: JSON_TYPE, body: '{"query":"{ settings' } },
  'JSON with a prototype': {
    status: 400,
    init: {
      method: 'POST',
      headers: JSON_TYPE,
      body: `{"query":${JSON.stringify(SIGN_UP)},"__proto__":{"admin":true}}`,
    },
  },
  'no body': { status: 400, init: { method: 'POST', headers: JSON_TYPE } },
  'no query': { status: 400, init: { method: 'POST', headers: JSON_TYPE, body: '{}' } },
  'a number for a query': { status: 400, init: { method: 'POST', headers: JSON_TYPE, body: '{"query":7}' } },
  'text for variables': {
    status: 400,
    init: { method: 'POST', headers: JSON_TYPE, body: JSON.stringify({ query: SIGN_UP, variables: 'x' }) },
  },
  'a subscription over HTTP': {
    status: 400,
    init: {
      method: 'POST',
      headers: JSON_TYPE,
      body: '{"query":"subscription { queueStats(queueId: \\"x\\") { waiting } }"}',
    },
  },
};

it.each(Object.entries(REFUSED))('%s is refused and does nothing', async (_what, { status, search = '', init }) => {
  const response = await fetch(url + search, init);
  const text = await response.text();
  expect({ status: response.status, text }).toEqual({ status, text: expect.stringMatching(/^\{.*\}\s*$/s) });
  expect(text).not.toMatch(/"data":\{|node_modules|at \w+ \(/);
  await expectNothingHappened();
});

it.each(['PUT', 'PATCH', 'DELETE', 'OPTIONS'])('%s is no way to ask', async (method) => {
  const response = await fetch(url, {
    method,
    headers: JSON_TYPE,
    ...(method !== 'OPTIONS' && { body: JSON.stringify({ query: SIGN_UP }) }),
  });
  expect(response.status).toBeGreaterThanOrEqual(400);
  expect(response.status).toBeLessThan(500);
  await expectNothingHappened();
});

it('a query by GET is served to whoever can send a header of their own', async () => {
  const response = await fetch(`${url}?query=${encodeURIComponent('{ settings { currency } }')}`, {
    headers: { 'apollo-require-preflight': '1' },
  });
  expect(await response.json()).toEqual({ data: { settings: { currency: 'KRW' } } });
});

it.each(['application/json', 'application/json;q=0.9'])('a HEAD is a GET without the body, as %s', async (accept) => {
  const told = async (method: string, query: string) => {
    const { status, headers } = await fetch(`${url}?query=${encodeURIComponent(query)}`, {
      method,
      headers: { accept },
    });
    const named = ['content-type', 'content-length', 'cache-control', 'etag', 'vary', 'allow'];
    return { status, headers: named.map((name) => headers.get(name)) };
  };
  for (const query of ['{ settings { currency } }', '{ wallet { balance } }', '{ nothing }', SIGN_UP]) {
    expect(await told('HEAD', query)).toEqual(await told('GET', query));
  }
  expect(await told('HEAD', '{ settings { currency } }')).toMatchObject({ status: 200 });
  await expectNothingHappened();
});

it.each(['', 'a b%', '['])('the header host may be anything: "%s"', async (host) => {
  for (const accept of ['application/json', 'application/json;q=0.9']) {
    const status = await new Promise((resolve, reject) => {
      const search = `?query=${encodeURIComponent('{ settings { currency } }')}`;
      const asked = request(url + search, { headers: { host, accept } }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      asked.on('error', reject).end();
    });
    expect(status).toBe(200);
  }
});

const CREDENTIALS = {
  'an empty access token': async () => ({ authorization: '' }),
  'an empty queue token': async () => ({ 'x-queue-token': '' }),
  'an access token': async () => ({ authorization: `Bearer ${(await world.buyer()).accessToken}` }),
  'a wrong access token': async () => ({ authorization: 'Bearer wrong' }),
  'a queue token': async () => ({ 'x-queue-token': 'any' }),
  'a cookie of ours': async () => ({ cookie: 'other=1; onsale-session=any' }),
};

function get(query: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}?query=${encodeURIComponent(query)}`, { headers });
}

it.each([
  '{ settings { currency } }',
  'query Named { __typename concerts(first: 1) { edges { cursor } } }',
  '{ ...Root } fragment Root on Query { settings { currency } }',
])('a GET that any page may send is served when all it asks for is public: %s', async (query) => {
  const answers = [await get(query), await get(query, { cookie: 'other=1', origin: 'https://elsewhere.example' })];
  for (const answer of answers) {
    expect(answer.status).toBe(200);
    expect(Object.keys((await answer.json()) as object)).toEqual(['data']);
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  }
});

it.each(Object.entries(CREDENTIALS))('a GET that any page may send is refused with %s', async (_what, credentials) => {
  const answer = await get('{ settings { currency } }', await credentials());
  expect({ status: answer.status, ...((await answer.json()) as object) }).toMatchObject({
    status: 400,
    errors: [{ extensions: { code: 'BAD_REQUEST' }, message: expect.stringContaining('apollo-require-preflight') }],
  });
});

it.each([
  '{ wallet { balance } }',
  '{ settings { currency } wallet { balance } }',
  '{ ... on Query { ...Root } } fragment Root on Query { wallet { balance } }',
  `{ availableDates(concertId: "${randomUUID()}") { id } }`,
  '{ queues { edges { cursor } } }',
  '{ settings { currency } wallet @include(if: false) { balance } }',
  '{ settings: wallet { balance } }',
])('a GET that any page may send is refused when something it asks for is not public: %s', async (query) => {
  for (const headers of [{}, { 'content-type': '' }, { 'apollo-require-preflight': '' }]) {
    const answer = await get(query, headers as Record<string, string>);
    expect({ status: answer.status, ...((await answer.json()) as object) }).toMatchObject({
      status: 400,
      errors: [{ extensions: { code: 'BAD_REQUEST' }, message: expect.stringContaining('apollo-require-preflight') }],
    });
  }
});

it('a document of several operations runs the one that is named, and none without a name', async () => {
  const query = `query Ask { settings { currency } } ${SIGN_UP.replace('mutation', 'mutation Sneak')}`;
  const { status, errors } = await post(url, query);
  expect({ status, errors }).toMatchObject({
    status: 400,
    errors: [{ extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } }],
  });
  const named = await fetch(url, {
    method: 'POST',
    headers: JSON_TYPE,
    body: JSON.stringify({ query, operationName: 'Ask' }),
  });
  expect(await named.json()).toEqual({ data: { settings: { currency: 'KRW' } } });
  await expectNothingHappened();
});
