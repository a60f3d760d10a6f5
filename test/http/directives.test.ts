import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeQueue } from '../support/builders.ts';
import { type Answer, post } from '../support/client.ts';
import { line, type Place } from '../support/places.ts';
import { Socket } from '../support/socket.ts';
import { Stream } from '../support/stream.ts';
import { World } from '../support/world.ts';

let world: World;
let url: string;
let place: Place;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  url = world.urls[0] as string;
  const queueId = await makeQueue(await world.operator(), { capacity: 1, admitPerMinute: 0 });
  [place] = (await line(await world.buyers(1), queueId)) as [Place];
});
afterAll(() => world.close());

it('the directives of the specification exist as graphql-js has them, beside our own', async () => {
  const { data } = await post(url, '{ __schema { directives { name locations args { name } } } }');
  const names = (data.__schema.directives as { name: string }[]).map(({ name }) => name).sort();
  expect(names).toEqual(['deprecated', 'include', 'oneOf', 'operator', 'queued', 'skip', 'specifiedBy']);
  expect(data.__schema.directives).toContainEqual({
    name: 'include',
    locations: ['FIELD', 'FRAGMENT_SPREAD', 'INLINE_FRAGMENT'],
    args: [{ name: 'if' }],
  });
});

/** Each selects position where $wanted says so, and its status always. */
const WAYS = [
  'query ($token: ID!, $wanted: Boolean!) { mine: queueToken(value: $token) { status position @include(if: $wanted) } }',
  `query ($token: ID!, $wanted: Boolean!) { mine: queueToken(value: $token) {
     status position @include(if: $wanted) @skip(if: false) waiting @skip(if: true) } }`,
  `query ($token: ID!, $wanted: Boolean!) { mine: queueToken(value: $token) {
     status ... @include(if: $wanted) { position } } }`,
  `query ($token: ID!, $wanted: Boolean!) { mine: queueToken(value: $token) { status ...Place @include(if: $wanted) } }
   fragment Place on QueueToken { position }`,
];

it('@include and @skip decide anew each time a document is sent, however often it was answered before', async () => {
  const headers = { authorization: `Bearer ${place.buyer.accessToken}` };
  const ask = (query: string, wanted: unknown): Promise<Answer> =>
    post(url, query, { token: place.value, wanted }, headers);
  for (const query of WAYS) {
    for (let time = 1; time <= 3; time++) {
      expect((await ask(query, true)).data).toEqual({ mine: { status: 'WAITING', position: 1 } });
      expect((await ask(query, false)).data).toEqual({ mine: { status: 'WAITING' } });
      const { status, errors } = await ask(query, 'yes');
      expect({ status, codes: errors?.map(({ extensions }) => extensions.code) }).toEqual({
        status: 400,
        codes: ['BAD_USER_INPUT'],
      });
    }
  }
});

it('a root field is left out, so that its resolver is not called', async () => {
  const query =
    'query ($token: ID!, $wanted: Boolean!) { queueToken(value: $token) @include(if: $wanted) { status } settings { currency } }';
  for (let time = 1; time <= 2; time++) {
    const refused = await post(url, query, { token: place.value, wanted: true });
    expect(refused.errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
    const { data, errors } = await post(url, query, { token: place.value, wanted: false });
    expect({ data, errors }).toEqual({ data: { settings: { currency: 'KRW' } }, errors: undefined });
  }
});

it('a subscription leaves out fields of its events, over a socket and as a stream', async () => {
  const { accessToken } = place.buyer;
  const query = `subscription ($token: ID!, $wanted: Boolean!) {
    mine: queuePosition(token: $token) { status position @include(if: $wanted) } }`;
  for (const wanted of [true, false, true]) {
    const variables = { token: place.value, wanted };
    const told = { data: { mine: { status: 'WAITING', ...(wanted && { position: 1 }) } } };
    const socket = await Socket.ready(url, accessToken);
    socket.subscribe('1', query, variables);
    expect((await socket.until(({ type }) => type === 'next')).payload).toEqual(told);
    await socket.close();
    const stream = await Stream.subscribe(url, accessToken, query, variables);
    expect(await stream.until(() => true)).toEqual(told);
    stream.close();
  }
});

it('@skip and @include at the root of a subscription are refused alike on every transport, and are no fault', async () => {
  const { accessToken } = place.buyer;
  const variables = { token: place.value, wanted: true };
  const roots = [
    'queuePosition(token: $token) @skip(if: $wanted) { status }',
    'queuePosition(token: $token) @skip(if: true) { status }',
    '... @include(if: $wanted) { queuePosition(token: $token) { status } }',
    '...Root } fragment Root on Subscription { queuePosition(token: $token) @include(if: $wanted) { status }',
  ];
  for (const root of roots) {
    const query = `subscription ($token: ID!, $wanted: Boolean = true) { ${root} }`;
    const { status, data, errors } = await post(url, query, variables);
    expect({ status, data }).toEqual({ status: 400, data: undefined });
    expect(errors).toEqual([
      {
        message: 'The root field of a subscription takes neither @skip nor @include.',
        extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
      },
    ]);
    const socket = await Socket.ready(url, accessToken);
    socket.subscribe('1', query, variables);
    expect((await socket.until(({ id }) => id === '1')).payload).toEqual(errors);
    await socket.close();
    const stream = await Stream.subscribe(url, accessToken, query, variables);
    await stream.over;
    expect(stream.results).toEqual([{ errors }]);
  }
  const beside = `query Asked($wanted: Boolean!) { settings { currency @include(if: $wanted) } }
    subscription Watched($token: ID!) { queuePosition(token: $token) { status } }`;
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: beside, operationName: 'Asked', variables: { wanted: true } }),
  });
  expect(await response.json()).toEqual({ data: { settings: { currency: 'KRW' } } });
  expect(world.processes[0]?.log()).toBe('');
});
