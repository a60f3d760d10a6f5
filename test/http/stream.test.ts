import { createClient } from 'graphql-sse';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, makeQueue, makeShow, TOKEN } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { inside, leave, line, look, until } from '../support/places.ts';
import { Socket } from '../support/socket.ts';
import { Stream } from '../support/stream.ts';
import { signToken, World } from '../support/world.ts';

const ID = '00000000-0000-7000-8000-000000000000';

let world: World;
let url: string;
let operator: Buyer;
let stats: string;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  url = world.urls[0] as string;
  operator = await world.operator();
  stats = `subscription { queueStats(queueId: "${await makeQueue(operator, { capacity: 1 })}") { waiting } }`;
});
afterAll(() => world.close());

const POSITION = `subscription ($token: ID!) { queuePosition(token: $token) { ${TOKEN} } }`;

describe('a stream', () => {
  it('tells the same place as a poll and a socket, follows it to its end, and then completes', async () => {
    const queueId = await makeQueue(operator, { capacity: 1, admitPerMinute: 0 });
    const [place] = await line(await world.buyers(1), queueId);
    if (!place) throw new Error('nobody entered');
    const { accessToken } = place.buyer;
    const [stream, socket] = [
      await Stream.subscribe(url, accessToken, POSITION, { token: place.value }),
      await Socket.ready(url, accessToken),
    ];
    socket.subscribe('1', POSITION, { token: place.value });
    const [told, heard] = [await stream.until(() => true), await socket.until(({ type }) => type === 'next')];
    const { etaSeconds: _ofThen, ...polled } = await look(place);
    expect(told.data.queuePosition).toMatchObject({ position: 1, status: 'WAITING' });
    for (const { queuePosition } of [told.data, heard.payload.data]) expect(queuePosition).toMatchObject(polled);
    await leave(place);
    expect(await stream.over).toBe('ended');
    expect(stream.results.at(-1)?.data.queuePosition.status).toBe('LEFT');
    expect(stream.events.at(-1)).toEqual({ event: 'complete', data: undefined });
    expect(stream.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
    });
    await socket.close();
  });

  it('is served to a client of GraphQL over SSE', async () => {
    const queueId = await makeQueue(operator, { capacity: 1, admitPerMinute: 0 });
    const [place] = await line(await world.buyers(1), queueId);
    if (!place) throw new Error('nobody entered');
    const client = createClient({
      url: `${url}/stream`,
      headers: { authorization: `Bearer ${place.buyer.accessToken}` },
      retryAttempts: 0,
    });
    const places: string[] = [];
    for await (const { data } of client.iterate<Data>({ query: POSITION, variables: { token: place.value } })) {
      places.push(data.queuePosition.status);
      if (places.length === 1) await leave(place);
    }
    expect(places).toEqual(['WAITING', 'LEFT']);
    client.dispose();
  });

  it('opens what stands behind a queue with the header x-queue-token, and ends with that token', async () => {
    const queueId = await makeQueue(operator, { capacity: 1 });
    const show = await makeShow(operator, {}, queueId);
    const [place] = await line(await world.buyers(1), queueId);
    if (!place) throw new Error('nobody entered');
    const query = `subscription { seatChanges(showId: "${show.id}") { resync } }`;
    await until(place, 'ACTIVE');
    const bare = await Stream.subscribe(url, place.buyer.accessToken, query);
    expect((await bare.until(() => true)).errors).toMatchObject([
      { extensions: { code: 'QUEUE_TOKEN_REQUIRED', queue: { id: queueId } } },
    ]);
    const headers = { authorization: `Bearer ${place.buyer.accessToken}`, 'x-queue-token': place.value };
    const stream = await Stream.open(url, headers, { query });
    const seatIds = [show.seats[0]];
    await eventually(async () => {
      const input = { showId: show.id, seatIds };
      await inside(place).get('mutation ($input: ReserveInput!) { reserve(input: $input) { __typename } }', { input });
      return stream.results.length > 0;
    });
    expect(stream.results[0]).toEqual({ data: { seatChanges: { resync: false } } });
    await leave(place);
    expect(await stream.over).toBe('ended');
    expect(stream.events.at(-1)?.event).toBe('complete');
  });

  it('carries subscriptions only, one for each request, and refuses all else as a socket does, in words of its own', async () => {
    const socket = await Socket.ready(url, operator.accessToken);
    const refused = [
      '{ settings { currency } }',
      'mutation { createQueue(input: { name: "sneaked in", capacity: 1 }) { id } }',
      'subscription { queueStats(queueId: "x") { nothing } }',
      'subscription { queueStats(',
      `subscription { seatChanges(showId: "${ID}") { seats { ${'id '.repeat(700)} } } }`,
      `subscription { ${'a '.repeat(11_000)} }`,
    ];
    for (const [index, query] of refused.entries()) {
      socket.subscribe(`${index}`, query);
      const { payload } = await socket.until(({ id }) => id === `${index}`);
      const stream = await Stream.subscribe(url, operator.accessToken, query);
      expect(await stream.over).toBe('ended');
      expect(stream.events).toEqual([
        {
          event: 'next',
          data: { errors: JSON.parse(JSON.stringify(payload).replace('sockets carry', 'streams carry')) },
        },
        { event: 'complete', data: undefined },
      ]);
    }
    expect((await world.pool.query(`select 1 from queue where name = 'sneaked in'`)).rows).toEqual([]);
    await socket.close();
  });
});

describe('the caller of a stream', () => {
  it.each([
    ['garbage', 'Bearer garbage'],
    ['another form', 'Basic dXNlcjpwYXNz'],
  ])('with %s for a token is refused with 401 before anything is streamed', async (_what, authorization) => {
    const stream = await Stream.open(url, { authorization }, { query: stats });
    await stream.over;
    expect(stream.status).toBe(401);
    expect(JSON.parse(stream.text)).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
  });

  it('with a token that is over is refused the same', async () => {
    const { id } = await world.buyer();
    const stream = await Stream.subscribe(url, await signToken(id, 'BUYER', '-1s'), stats);
    expect(stream.status).toBe(401);
  });

  it.each([
    ['UNAUTHENTICATED', 'queuePosition(token: "x") { status }', 'nobody'],
    ['BAD_USER_INPUT', 'queuePosition(token: "x") { status }', 'a buyer'],
    ['FORBIDDEN', `queueStats(queueId: "${ID}") { waiting }`, 'a buyer'],
    ['NOT_FOUND', `seatChanges(showId: "${ID}") { resync }`, 'a buyer'],
  ])('hears %s in the stream, as over a socket', async (code, field, who) => {
    const accessToken = who === 'nobody' ? undefined : (await world.buyer()).accessToken;
    const headers: Record<string, string> = accessToken ? { authorization: `Bearer ${accessToken}` } : {};
    const stream = await Stream.open(url, headers, { query: `subscription { ${field} }` });
    const socket = await Socket.ready(url, accessToken);
    socket.subscribe('1', `subscription { ${field} }`);
    const { payload } = await socket.until(({ id }) => id === '1');
    expect(await stream.over).toBe('ended');
    expect(stream.results).toEqual([payload]);
    expect(payload.errors).toMatchObject([{ extensions: { code } }]);
    await socket.close();
  });
});

describe('what any page of another origin may send', () => {
  it.each([
    ['a GET', 405, 'GET', {}, undefined],
    ['a POST of text', 415, 'POST', { 'content-type': 'text/plain' }, undefined],
    ['a POST of text that names JSON', 400, 'POST', { 'content-type': 'text/plain; application/json' }, undefined],
    ['a form', 415, 'POST', { 'content-type': 'application/x-www-form-urlencoded' }, undefined],
    ['a batch', 400, 'POST', {}, []],
    ['no query', 400, 'POST', {}, {}],
    ['text for variables', 400, 'POST', {}, { query: 'subscription { a }', variables: 'x' }],
    ['a wish for HTML', 406, 'POST', { accept: 'text/html' }, undefined],
  ])('or no client would, %s, is refused with %i and starts nothing', async (_what, status, method, headers, body) => {
    const all = { authorization: `Bearer ${operator.accessToken}`, ...(headers as Record<string, string>) };
    const sent = method === 'GET' ? undefined : (body ?? { query: stats });
    const stream = await Stream.open(url, all, sent, method);
    expect(await stream.over).toBe('ended');
    expect({ status: stream.status, answer: JSON.parse(stream.text) }).toMatchObject({
      status,
      answer: { errors: [{ extensions: { code: 'BAD_REQUEST' } }] },
    });
  });

  it('is answered to a page of an allowed origin only', async () => {
    for (const [origin, allowed] of [
      ['http://localhost:3000', 'http://localhost:3000'],
      ['https://evil.example.com', undefined],
    ] as const) {
      const headers = { authorization: `Bearer ${operator.accessToken}`, origin };
      const stream = await Stream.open(url, headers, { query: stats });
      expect(stream.headers['access-control-allow-origin']).toBe(allowed);
      stream.close();
    }
  });
});
