import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { charge, eventually, makeQueue } from '../support/builders.ts';
import { Buyer, type GraphqlError, post } from '../support/client.ts';
import { Socket } from '../support/socket.ts';
import { World } from '../support/world.ts';

let world: World;
let buyer: Buyer;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  buyer = await world.buyer();
});
afterAll(() => world.close());

/** While `work` runs the schema lacks what the product needs: every statement about it fails. */
async function broken<T>(table: string, column: string, work: () => Promise<T>): Promise<T> {
  await world.pool.query(`alter table ${table} rename column ${column} to ${column}_away`);
  try {
    return await work();
  } finally {
    await world.pool.query(`alter table ${table} rename column ${column}_away to ${column}`);
  }
}

const CAUSE = /column|relation|select|balance|postgres|node_modules|\.ts|\.js|DriverException|42703/i;

/** Masked: nothing of the cause, and an id that the log has together with the cause. */
async function expectMasked(error: GraphqlError | undefined, path: string): Promise<void> {
  const requestId = error?.extensions.requestId as string;
  expect(error).toMatchObject({ path: [path], extensions: { code: 'INTERNAL_SERVER_ERROR' } });
  expect(Object.keys(error?.extensions ?? {}).sort()).toEqual(['code', 'requestId']);
  expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
  expect(JSON.stringify({ ...error, locations: undefined, path: undefined })).not.toMatch(CAUSE);
  const log = world.processes[0]?.log as () => string;
  await eventually(() => log().includes(requestId));
  const lines = log()
    .split('\n')
    .filter((line) => line.includes(requestId));
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] as string)).toMatchObject({ level: 50, requestId, err: { code: '42703' } });
}

describe('a resolver that fails with an SQL error', () => {
  it('answers a query INTERNAL_SERVER_ERROR with a requestId, and nothing of the cause', async () => {
    const { status, data, errors } = await broken('reservation', 'expires_at', () =>
      buyer.ask('{ reservations { edges { cursor } } settings { currency } }'),
    );
    expect({ status, data }).toEqual({ status: 200, data: null });
    expect(errors).toHaveLength(1);
    await expectMasked(errors?.[0], 'reservations');
    expect(await buyer.get('{ reservations { edges { cursor } } }')).toEqual({ reservations: { edges: [] } });
  });

  it('answers a mutation the same, and leaves no row of it', async () => {
    const query = 'mutation { charge(input: { amount: 5, idempotencyKey: "once" }) { __typename } }';
    const { errors } = await broken('entry', 'balance_after', () => buyer.ask(query));
    await expectMasked(errors?.[0], 'charge');
    const { rows } = await world.pool.query('select 1 from idempotency_key where user_id = $1', [buyer.id]);
    expect(rows).toEqual([]);
    expect(await charge(buyer, 5, 'once'), 'faults do not replay').toMatchObject({
      __typename: 'LedgerEntry',
      balanceAfter: 5,
    });
  });

  it('answers a subscription over WebSocket the same, and the socket goes on', async () => {
    const operator = await world.operator();
    const queueId = await makeQueue(operator, { capacity: 1 });
    const socket = await Socket.ready(operator.url, operator.accessToken);
    const query = 'subscription ($id: ID!) { queueStats(queueId: $id) { waiting } }';
    await broken('user_account', 'role', async () => {
      socket.subscribe('broken', query, { id: queueId });
      await socket.until(({ id }) => id === 'broken');
    });
    const { type, payload } = await socket.until(({ id }) => id === 'broken');
    expect({ type, data: payload.data ?? null }).toEqual({ type: 'next', data: null });
    await expectMasked(payload.errors[0], 'queueStats');
    socket.subscribe('mended', query, { id: queueId });
    const mended = await socket.until(({ id }) => id === 'mended');
    expect(mended.payload).toEqual({ data: { queueStats: { waiting: 0 } } });
    await socket.close();
  });

  it('answers each of many requests an id of its own', async () => {
    const answers = await broken('reservation', 'expires_at', () =>
      Promise.all(Array.from({ length: 5 }, () => buyer.ask('{ reservations { edges { cursor } } }'))),
    );
    expect(new Set(answers.map(({ errors }) => errors?.[0]?.extensions.requestId)).size).toBe(5);
  });
});

describe('the same fault of the caller', () => {
  /** Each as one query over HTTP and one subscription over WebSocket. */
  it.each([
    ['UNAUTHENTICATED', 'queueToken(value: "x") { status }', 'queuePosition(token: "x") { status }', undefined],
    ['BAD_USER_INPUT', 'queueToken(value: "x") { status }', 'queuePosition(token: "x") { status }', 'BUYER'],
    ['FORBIDDEN', 'queue(id: "x") { id }', 'queueStats(queueId: "x") { waiting }', 'BUYER'],
    [
      'NOT_FOUND',
      'seatMap(showId: "00000000-0000-7000-8000-000000000000") { id }',
      'seatChanges(showId: "00000000-0000-7000-8000-000000000000") { resync }',
      'BUYER',
    ],
  ])('is %s with the same message and keys over HTTP and WebSocket', async (code, query, subscription, role) => {
    const headers = role ? { authorization: `Bearer ${buyer.accessToken}` } : {};
    const { errors } = await post(buyer.url, `{ ${query} }`, {}, headers as Record<string, string>);
    const socket = await Socket.ready(buyer.url, role && buyer.accessToken);
    socket.subscribe('1', `subscription { ${subscription} }`);
    const { payload } = await socket.until(({ id }) => id === '1');
    const shapeOf = (list: GraphqlError[] | undefined) =>
      list?.map((error) => ({
        keys: Object.keys(error).sort(),
        // The two fields name their argument differently.
        extensions: { ...error.extensions, argument: error.extensions.argument !== undefined },
        words: error.message.replace(/^\w+/, ''),
      }));
    expect(shapeOf(payload.errors)).toEqual(shapeOf(errors));
    expect(errors).toMatchObject([{ extensions: { code } }]);
    await socket.close();
  });

  it('in variables is BAD_USER_INPUT, in the document GRAPHQL_VALIDATION_FAILED, in its grammar GRAPHQL_PARSE_FAILED', async () => {
    const socket = await Socket.ready(buyer.url, buyer.accessToken);
    for (const [id, query, code] of [
      ['variable', 'subscription ($id: ID!) { seatChanges(showId: $id) { resync } }', 'BAD_USER_INPUT'],
      ['field', 'subscription { seatChanges(showId: "x") { nothing } }', 'GRAPHQL_VALIDATION_FAILED'],
      ['grammar', 'subscription { seatChanges(', 'GRAPHQL_PARSE_FAILED'],
    ] as const) {
      socket.subscribe(id, query, { id: null });
      const { payload } = await socket.until((message) => message.id === id);
      const told = Array.isArray(payload) ? payload : payload.errors;
      expect(told).toMatchObject([{ extensions: { code } }]);
      expect(Object.keys(told[0].extensions)).toEqual(code === 'BAD_USER_INPUT' ? ['code', 'argument'] : ['code']);
      const http = await post(
        buyer.url,
        query
          .replace('subscription', 'query')
          .replace(/seatChanges/, 'seatMap')
          .replace('resync', 'id'),
        { id: null },
      );
      expect(http.errors?.[0]?.extensions).toEqual(told[0].extensions);
    }
    await sleep(50);
    expect(world.processes[0]?.log(), 'none of these is our fault').not.toContain('GRAPHQL_');
    await socket.close();
  });
});
