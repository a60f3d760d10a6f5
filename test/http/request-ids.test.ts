import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeQueue } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { linesThat, lineUnder } from '../support/log-lines.ts';
import type { AppProcess } from '../support/process.ts';
import { Socket } from '../support/socket.ts';
import { Stream } from '../support/stream.ts';
import { World } from '../support/world.ts';

const MADE = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;

let world: World;
let started: AppProcess;
let url: string;
let operator: Buyer;
let statsQuery: string;
beforeAll(async () => {
  world = await World.open({ processes: 1, env: { LOG_LEVEL: 'debug' } });
  started = world.processes[0] as AppProcess;
  url = started.url;
  operator = await world.operator();
  statsQuery = `subscription { queueStats(queueId: "${await makeQueue(operator, { capacity: 1 })}") { waiting } }`;
});
afterAll(() => world.close());

async function ask(
  body: unknown,
  headers: Record<string, string> = {},
): Promise<{ id: string | null; status: number; errors: Data[] | undefined }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const { errors } = (await response.json()) as { errors?: Data[] };
  return { id: response.headers.get('x-request-id'), status: response.status, errors };
}

/** While `work` runs the fields of operators fail through a fault. */
async function whileBroken<T>(work: () => Promise<T>): Promise<T> {
  await world.pool.query('alter table user_account rename column role to role_away');
  try {
    return await work();
  } finally {
    await world.pool.query('alter table user_account rename column role_away to role');
  }
}

describe('x-request-id comes back as it was sent', () => {
  it.each([
    ['an answer of a plan', { query: '{ settings { currency } }' }, 200],
    ['an answer of Apollo', { query: '{ settings { ... on Settings { currency } } }' }, 200],
    ['a refusal', { query: '{ wallet { balance } }' }, 200],
    ['a document that is invalid', { query: '{ nothing }' }, 400],
    ['variables that are wrong', { query: 'query ($n: Int!) { concerts(first: $n) { edges { cursor } } }' }, 400],
    ['a body that is no operation', {}, 400],
    ['a body that is no JSON', '{', 400],
    ['a subscription over POST', { query: 'subscription { nothing }' }, 400],
  ])('on %s', async (_what, body, status) => {
    expect(await ask(body, { 'x-request-id': 'My_id-1.2' })).toMatchObject({ id: 'My_id-1.2', status });
  });

  it('on the refusal of a caller, which the log has under it too', async () => {
    const answer = await ask(
      { query: '{ wallet { balance } }' },
      { 'x-request-id': 'a-forged-token', authorization: 'Bearer forged' },
    );
    expect(answer).toMatchObject({ id: 'a-forged-token', status: 401 });
    expect(await lineUnder(started, 'a-forged-token')).toMatchObject({ level: 30, outcome: 'UNAUTHENTICATED' });
  });

  it('on a stream, and on the refusal of one', async () => {
    const headers = { 'x-request-id': 'a-stream', authorization: `Bearer ${operator.accessToken}` };
    const stream = await Stream.open(url, headers, { query: statsQuery });
    expect(stream.headers['x-request-id']).toBe('a-stream');
    await stream.until(() => true);
    stream.close();
    const refused = await Stream.open(url, { 'x-request-id': 'no-stream' }, undefined, 'GET');
    expect({ status: refused.status, id: refused.headers['x-request-id'] }).toEqual({ status: 405, id: 'no-stream' });
    const [began, ended] = await linesThat(started, ({ requestId }) => requestId === 'a-stream', 2);
    expect(began).toMatchObject({ transport: 'sse', rootFields: ['queueStats'], msg: 'a subscription began' });
    expect(ended).toMatchObject({ transport: 'sse', outcome: 'ok', msg: 'a subscription ended' });
  });

  it('with 64 characters, the most that are taken', async () => {
    const id = 'x'.repeat(64);
    expect((await ask({ query: '{ settings { currency } }' }, { 'x-request-id': id })).id).toBe(id);
  });
});

describe('x-request-id is replaced', () => {
  it.each([
    ['when it is missing', undefined],
    ['when it is empty', ''],
    ['when it has 65 characters', 'x'.repeat(65)],
    ['when it has 10 KB', 'x'.repeat(10_240)],
    ['when it has a space', 'two words'],
    ['when it has a quotation mark', 'a"b'],
  ])('%s', async (_when, given) => {
    const headers: Record<string, string> = given === undefined ? {} : { 'x-request-id': given };
    const { id } = await ask({ query: '{ settings { currency } }' }, headers);
    expect(id).toMatch(MADE);
    expect(await lineUnder(started, id as string)).toMatchObject({ rootFields: ['settings'], outcome: 'ok' });
    if (given) expect(started.log()).not.toContain(given);
  });

  it('by another one for each request', async () => {
    const [first, second] = [await ask({ query: '{ nothing }' }), await ask({ query: '{ nothing }' })];
    expect(first.id).not.toBe(second.id);
  });
});

describe('pages of other origins', () => {
  const origin = 'http://localhost:5173';

  it('may send it and may read it', async () => {
    const asked = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-request-id' };
    const preflight = await fetch(url, { method: 'OPTIONS', headers: { origin, ...asked } });
    expect(preflight.headers.get('access-control-allow-headers')?.split(', ')).toContain('x-request-id');
    const answer = await fetch(url, {
      method: 'POST',
      headers: { origin, 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ settings { currency } }' }),
    });
    expect(answer.headers.get('access-control-expose-headers')).toBe('x-request-id');
    const headers = { origin, 'x-request-id': 'a-page', authorization: `Bearer ${operator.accessToken}` };
    const stream = await Stream.open(url, headers, { query: statsQuery });
    expect(stream.headers).toMatchObject({ 'x-request-id': 'a-page', 'access-control-expose-headers': 'x-request-id' });
    stream.close();
  });
});

describe('an error that carries its request carries the id that the client gave', () => {
  it('over HTTP, in the answer of a plan and of Apollo', async () => {
    const authorization = `Bearer ${operator.accessToken}`;
    for (const [id, query] of [
      ['by-plan', `{ queue(id: "00000000-0000-7000-8000-000000000000") { name } }`],
      ['by-apollo', `{ queue(id: "00000000-0000-7000-8000-000000000000") { ... on Queue { name } } }`],
    ] as const) {
      const answer = await whileBroken(() => ask({ query }, { authorization, 'x-request-id': id }));
      expect(answer.errors).toMatchObject([{ extensions: { code: 'INTERNAL_SERVER_ERROR', requestId: id } }]);
      const [fault, line] = await linesThat(started, ({ requestId }) => requestId === id, 2);
      expect(fault).toMatchObject({ level: 50, err: { code: '42703' } });
      expect(line).toMatchObject({ level: 30, rootFields: ['queue'], outcome: 'INTERNAL_SERVER_ERROR' });
    }
  });

  it('over a stream', async () => {
    const headers = { authorization: `Bearer ${operator.accessToken}`, 'x-request-id': 'broken-stream' };
    const stream = await whileBroken(async () => {
      const opened = await Stream.open(url, headers, { query: statsQuery });
      await opened.until(() => true);
      return opened;
    });
    expect(stream.results[0]?.errors).toMatchObject([{ extensions: { requestId: 'broken-stream' } }]);
    stream.close();
  });

  /** The error of a subscription that fails through a fault. */
  async function errorOver(init: object, extensions: object | undefined): Promise<Data> {
    const socket = await Socket.open(url);
    socket.send({ type: 'connection_init', payload: { authorization: `Bearer ${operator.accessToken}`, ...init } });
    await socket.until(({ type }) => type === 'connection_ack');
    const answer = await whileBroken(async () => {
      socket.send({ type: 'subscribe', id: '1', payload: { query: statsQuery, extensions } });
      return socket.until(({ id }) => id === '1');
    });
    await socket.close();
    return answer.payload.errors[0];
  }

  it.each([
    ['from the subscription', {}, { requestId: 'of-subscription' }, 'of-subscription'],
    ['from the header of that name', {}, { 'x-request-id': 'by-header' }, 'by-header'],
    ['from the connection', { requestId: 'of-connection' }, undefined, 'of-connection'],
    ["from the subscription before the connection's", { 'x-request-id': 'outer' }, { requestId: 'inner' }, 'inner'],
  ])('over a WebSocket, %s', async (_whence, init, extensions, id) => {
    expect(await errorOver(init, extensions)).toMatchObject({ extensions: { requestId: id } });
    const lines = await linesThat(started, ({ requestId }) => requestId === id, 2);
    expect(lines.map(({ level }) => level)).toEqual([50, 30]);
    expect(lines[1]).toMatchObject({ transport: 'websocket', events: 0, outcome: 'INTERNAL_SERVER_ERROR' });
  });

  it.each([
    ['with a line break', 'one\ntwo'],
    ['of 10 KB', 'y'.repeat(10_240)],
    ['that is no text', { toString: 'x' }],
  ])('over a WebSocket, but one %s is replaced', async (_which, given) => {
    const { extensions } = await errorOver({ requestId: given }, { requestId: given });
    expect(extensions.requestId).toMatch(MADE);
    expect(started.log()).not.toContain(JSON.stringify(given));
  });
});
