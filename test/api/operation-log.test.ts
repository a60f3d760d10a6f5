import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { admit, charge, eventually, makeQueue, makeShow, pay, reserve } from '../support/builders.ts';
import { Buyer, type Data, post } from '../support/client.ts';
import { linesOf, linesThat, lineUnder } from '../support/log-lines.ts';
import type { AppProcess } from '../support/process.ts';
import { Socket } from '../support/socket.ts';
import { Stream } from '../support/stream.ts';
import { AUTH_SECRET, World } from '../support/world.ts';

const POLL = 'query Place($token: ID!) { queueToken(value: $token) { status } }';
const PLACE = 'subscription Place($token: ID!) { queuePosition(token: $token) { status } }';

let world: World;
/** At `info`, at `debug`, and one to which nearly everything is slow. */
let started: Record<'info' | 'debug' | 'hasty', AppProcess>;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open({ processes: 0, env: { SLOW_MS: '600000' } });
  const [info, debug, hasty] = await Promise.all([
    world.startProcess({ LOG_LEVEL: 'info' }),
    world.startProcess({ LOG_LEVEL: 'debug' }),
    world.startProcess({ LOG_LEVEL: 'info', SLOW_MS: '1' }),
  ]);
  started = { info, debug, hasty };
  operator = (await world.operator()).at(debug.url);
});
afterAll(() => world.close());

/** Sends one operation under an id, and answers its line in the log. */
async function lineOf(
  at: AppProcess,
  buyer: Buyer | undefined,
  query: string,
  variables: object = {},
  id: string = randomUUID(),
): Promise<Data> {
  await post(at.url, query, variables, { ...headersOf(buyer), 'x-request-id': id });
  return lineUnder(at, id);
}

function headersOf(buyer: Buyer | undefined): Record<string, string> {
  return {
    ...(buyer && { authorization: `Bearer ${buyer.accessToken}` }),
    ...(buyer?.queueToken !== undefined && { 'x-queue-token': buyer.queueToken }),
  };
}

const CHARGE = `mutation Top($key: ID!, $amount: Money!) {
  charge(input: { amount: $amount, idempotencyKey: $key }) { __typename } }`;

describe('the line of an operation', () => {
  it('says of a mutation who asked what, how long it took, and how its command went', async () => {
    const buyer = await world.buyer();
    const line = await lineOf(started.info, buyer, CHARGE, { key: randomUUID(), amount: 5 });
    expect(line).toEqual({
      level: 30,
      time: expect.any(Number),
      pid: started.info.child.pid,
      requestId: expect.any(String),
      userId: buyer.id,
      transport: 'http',
      operation: 'mutation',
      operationName: 'Top',
      rootFields: ['charge'],
      document: expect.stringMatching(/^[0-9a-f]{16}$/),
      durationMs: expect.any(Number),
      outcome: 'ok',
      commands: [
        {
          command: 'charge',
          batch: 1,
          tries: 1,
          waitingMs: expect.any(Number),
          lockingMs: expect.any(Number),
          decidingMs: expect.any(Number),
          committingMs: expect.any(Number),
        },
      ],
      msg: 'an operation',
    });
    const { durationMs, commands } = line;
    const { waitingMs, lockingMs, decidingMs, committingMs } = commands[0];
    // Each is rounded by at most a twentieth.
    expect(waitingMs + lockingMs + decidingMs + committingMs).toBeLessThan(durationMs + 0.25);
  });

  it('counts the commands of a batch, and those of a request, in order', async () => {
    const buyer = await world.buyer();
    const query = `mutation ($a: ID!, $b: ID!) {
      a: charge(input: { amount: 1, idempotencyKey: $a }) { __typename }
      b: charge(input: { amount: 2, idempotencyKey: $b }) { __typename } }`;
    const line = await lineOf(started.info, buyer, query, { a: randomUUID(), b: randomUUID() });
    expect(line.rootFields).toEqual(['charge']);
    expect(line.commands.map(({ command }: Data) => command)).toEqual(['charge', 'charge']);
    const crowd = await world.buyers(30);
    const lines = await Promise.all(
      crowd.map((one) => lineOf(started.info, one, CHARGE, { key: randomUUID(), amount: 5 })),
    );
    expect(Math.max(...lines.map(({ commands }) => commands[0].batch))).toBeGreaterThan(1);
  });

  it('says of a command that failed how far it came, and nothing of what it did not reach', async () => {
    const [buyer, other] = await world.buyers(2);
    await world.pool.query('alter table entry rename column balance_after to balance_after_away');
    const lines = await Promise.all(
      [buyer, other].map((one) => lineOfFault(started.info, one as Buyer, CHARGE, { key: randomUUID(), amount: 5 })),
    ).finally(() => world.pool.query('alter table entry rename column balance_after_away to balance_after'));
    for (const { commands, outcome } of lines) {
      expect(outcome).toBe('INTERNAL_SERVER_ERROR');
      expect(commands).toMatchObject([{ command: 'charge', lockingMs: expect.any(Number) }]);
      expect(commands[0]).not.toHaveProperty('committingMs');
    }
  });

  it('names the root fields of fragments, and each once', async () => {
    const query = `query { ...A ... on Query { settings { currency } } again: settings { timeZone } }
      fragment A on Query { settings { currency } bestSellers { rank } }`;
    const line = await lineOf(started.debug, undefined, query);
    expect(line).toMatchObject({ operation: 'query', rootFields: ['settings', 'bestSellers'], outcome: 'ok' });
    expect(line).not.toHaveProperty('userId');
    expect(line).not.toHaveProperty('operationName');
    expect(line).not.toHaveProperty('commands');
  });

  it('has the same hash for the same text, over HTTP and over WebSocket, and another for another', async () => {
    const buyer = await world.buyer();
    const socket = await Socket.ready(started.debug.url, buyer.accessToken);
    const query = 'query A { settings { currency } }';
    const asks = [query, query, `${query} `].map((text) => lineOf(started.debug, undefined, text));
    const [first, second, other] = (await Promise.all(asks)).map(({ document }) => document);
    socket.send({ type: 'subscribe', id: '1', payload: { query, extensions: { requestId: 'over-a-socket' } } });
    const refused = await lineUnder(started.debug, 'over-a-socket');
    expect(second).toBe(first);
    expect(other).not.toBe(first);
    expect(refused).toMatchObject({ document: first, transport: 'websocket', outcome: 'BAD_USER_INPUT' });
    await socket.close();
  });
});

/** As `lineOf`, for a fault, which has a line of its own under the same id. */
async function lineOfFault(at: AppProcess, buyer: Buyer, query: string, variables: object): Promise<Data> {
  const id = randomUUID();
  await post(at.url, query, variables, { ...headersOf(buyer), 'x-request-id': id });
  const [fault, line] = await linesThat(at, ({ requestId }) => requestId === id, 2);
  expect(fault.level).toBe(50);
  return line;
}

describe('the outcome', () => {
  it('is the code of a refusal, also where the client did not ask for it', async () => {
    const buyer = await world.buyer();
    const key = randomUUID();
    await charge(buyer.at(started.info.url), 5, key);
    const line = await lineOf(started.info, buyer, CHARGE, { key, amount: 6 });
    expect(line).toMatchObject({ level: 30, outcome: 'IDEMPOTENCY_CONFLICT' });
  });

  it('is the code of an error, of a query too, which is then at info', async () => {
    const line = await lineOf(started.info, undefined, '{ wallet { balance } }');
    expect(line).toMatchObject({ level: 30, outcome: 'UNAUTHENTICATED', rootFields: ['wallet'] });
    const invalid = await lineOf(started.info, undefined, '{ nothing }');
    expect(invalid).toMatchObject({ level: 30, outcome: 'GRAPHQL_VALIDATION_FAILED' });
    expect(invalid).not.toHaveProperty('rootFields');
  });

  it('of several fields is that of the error rather than of the refusal', async () => {
    const buyer = await world.buyer();
    const query = `mutation ($key: ID!) {
      pay(input: { reservationId: "00000000-0000-7000-8000-000000000000", idempotencyKey: $key }) { __typename }
      charge(input: { amount: 999999999999, idempotencyKey: $key }) { __typename } }`;
    const line = await lineOf(started.info, buyer, query, { key: randomUUID() });
    expect(line).toMatchObject({ rootFields: ['pay', 'charge'], outcome: expect.stringMatching(/NOT_FOUND|BAD_USER/) });
  });
});

describe('a successful query', () => {
  it('has a line at debug, whether a plan answers it or Apollo', async () => {
    for (const query of ['{ settings { currency } }', '{ settings { ... on Settings { currency } } }']) {
      expect(await lineOf(started.debug, undefined, query)).toMatchObject({ level: 20, outcome: 'ok' });
    }
  });

  it('has none at info, where a mutation after it has one', async () => {
    const buyer = await world.buyer();
    const ids = ['quiet-1', 'quiet-2'];
    for (const [index, query] of [
      '{ settings { currency } }',
      '{ settings { ... on Settings { currency } } }',
    ].entries()) {
      await post(started.info.url, query, {}, { 'x-request-id': ids[index] as string });
    }
    await lineOf(started.info, buyer, CHARGE, { key: randomUUID(), amount: 5 });
    expect(linesOf(started.info).filter(({ requestId }) => ids.includes(requestId))).toEqual([]);
  });
});

describe('a slow operation', () => {
  it('has the times of its root fields and statements, without the values of any', async () => {
    const buyer = await world.buyer();
    const id = randomUUID();
    const query = 'query ($id: ID!) { reservation(id: $id) { status } settings { currency } }';
    const client = await world.pool.connect();
    await client.query('begin; lock table reservation in access exclusive mode');
    const asked = lineOf(started.hasty, buyer, query, { id }, 'held-up');
    const waiting = `select 1 from pg_locks where relation = 'reservation'::regclass and not granted`;
    await eventually(async () => ((await world.pool.query(waiting)).rowCount ?? 0) > 0);
    await client.query('commit');
    client.release();
    const line = await asked;
    expect(line).toMatchObject({ level: 40, outcome: 'ok', msg: 'a slow operation' });
    expect(line.fields).toEqual([
      { field: 'settings', ms: expect.any(Number) },
      { field: 'reservation', ms: expect.any(Number) },
    ]);
    expect(line.statements).toContainEqual({
      ms: expect.any(Number),
      sql: expect.stringMatching(/^select .* from "reservation" as "r0" where .*"id" = \?/),
    });
    const [, { ms }] = line.fields;
    expect(ms).toBeLessThanOrEqual(line.durationMs);
    expect(JSON.stringify(line)).not.toContain(id);
    expect(JSON.stringify(line)).not.toContain('HELD');
  });

  it('that a plan answers has the time of its only field', async () => {
    const buyer = await world.buyer();
    const client = await world.pool.connect();
    await client.query('begin; lock table wallet in access exclusive mode');
    const asked = lineOf(started.hasty, buyer, '{ wallet { balance } }');
    const waiting = `select 1 from pg_locks where relation = 'wallet'::regclass and not granted`;
    await eventually(async () => ((await world.pool.query(waiting)).rowCount ?? 0) > 0);
    await client.query('commit');
    client.release();
    const line = await asked;
    expect(line).toMatchObject({ level: 40, fields: [{ field: 'wallet', ms: expect.any(Number) }] });
    expect(line.statements.map(({ sql }: Data) => sql).join()).toMatch(/from "wallet"/);
  });

  it('that changed something has the steps of its command, and no statement of the batch', async () => {
    const buyer = await world.buyer();
    const line = await lineOf(started.hasty, buyer, CHARGE, { key: randomUUID(), amount: 5 });
    expect(line).toMatchObject({
      level: 40,
      commands: [{ command: 'charge', tries: 1 }],
      fields: [{ field: 'charge' }],
    });
    expect(JSON.stringify(line.statements ?? [])).not.toMatch(/insert|update/);
  });

  it('is like any other below SLOW_MS: no times of fields, no statements', async () => {
    const line = await lineOf(started.debug, undefined, '{ concerts { edges { node { title } } } }');
    expect(line).toMatchObject({ level: 20, msg: 'an operation' });
    expect(line).not.toHaveProperty('fields');
    expect(line).not.toHaveProperty('statements');
  });
});

describe('a subscription', () => {
  it.each(['websocket', 'sse'] as const)(
    'over %s has a line when it begins and one when it ends',
    async (transport) => {
      const [place, buyer] = await inLine();
      const id = `watching-${transport}`;
      if (transport === 'sse') {
        const headers = { ...headersOf(buyer), 'x-request-id': id };
        const stream = await Stream.open(started.debug.url, headers, { query: PLACE, variables: { token: place } });
        await stream.until(() => true);
        stream.close();
      } else {
        const socket = await Socket.ready(started.debug.url, buyer.accessToken);
        const payload = { query: PLACE, variables: { token: place }, extensions: { requestId: id } };
        socket.send({ type: 'subscribe', id: '1', payload });
        await socket.until(({ type }) => type === 'next');
        await socket.close();
      }
      const [began, ended, ...more] = await linesThat(started.debug, ({ requestId }) => requestId === id, 2);
      expect(more).toEqual([]);
      const both = { level: 20, userId: buyer.id, transport, operation: 'subscription', rootFields: ['queuePosition'] };
      expect(began).toMatchObject({ ...both, operationName: 'Place', msg: 'a subscription began' });
      expect(ended).toMatchObject({
        ...both,
        outcome: 'ok',
        durationMs: expect.any(Number),
        msg: 'a subscription ended',
      });
      expect(ended.events).toBeGreaterThanOrEqual(1);
      expect(began).not.toHaveProperty('durationMs');
    },
  );

  it('that is refused has one line, with the code', async () => {
    const socket = await Socket.ready(started.info.url);
    const payload = { query: PLACE, variables: { token: 'none' }, extensions: { requestId: 'for-nobody' } };
    socket.send({ type: 'subscribe', id: '1', payload });
    expect(await lineUnder(started.info, 'for-nobody')).toMatchObject({
      ...{ level: 30, transport: 'websocket', events: 0, outcome: 'UNAUTHENTICATED' },
    });
    await socket.close();
  });
});

/** The token of a new buyer at the process at debug, who waits. */
async function inLine(): Promise<[string, Buyer]> {
  const queueId = await makeQueue(operator, { capacity: 1, admitPerMinute: 0 });
  const buyer = (await world.buyer()).at(started.debug.url);
  const { enterQueue } = await buyer.get(
    `mutation ($input: EnterQueueInput!) { enterQueue(input: $input) { ... on QueueToken { value } } }`,
    { input: { queueId } },
  );
  return [enterQueue.value, buyer];
}

it('each run of a job has an id of its own, which its lines carry', async () => {
  await world.pool.query('alter table reservation rename column expires_at to expires_at_away');
  const failed = (line: Data): boolean => line.job !== undefined && line.msg.includes('failed');
  const lines = await linesThat(started.info, failed, 3).finally(() =>
    world.pool.query('alter table reservation rename column expires_at_away to expires_at'),
  );
  const runs = lines.map(({ runId }) => runId);
  expect(new Set(runs).size).toBe(runs.length);
  for (const runId of runs) expect(runId).toMatch(/^[0-9a-f-]{36}$/);
  for (const line of lines) expect(line).not.toHaveProperty('requestId');
});

it('one purchase is followed by its ids, from entering to paying, over HTTP and WebSocket', async () => {
  const { debug } = started;
  const queueId = await makeQueue(operator, { capacity: 1 });
  const sold = await makeShow(operator, {}, queueId);
  const [buyer, rival] = (await world.buyers(2)).map((one) => one.at(debug.url)) as [Buyer, Buyer];
  let token: string | undefined;
  const step = async (name: string, query: string, variables: object = {}): Promise<Data> => {
    const headers = { ...headersOf(buyer.withToken(token)), 'x-request-id': `purchase-7.${name}` };
    const { data } = await post(debug.url, query, variables, headers);
    return data;
  };
  const ENTER = 'mutation ($id: ID!) { enterQueue(input: { queueId: $id }) { ... on QueueToken { value } } }';
  const SEATS = 'query ($id: ID!) { seatMap(showId: $id, first: 50) { id } }';
  const RESERVE = `mutation ($show: ID!, $seats: [ID!]!) {
    reserve(input: { showId: $show, seatIds: $seats }) { ... on Reservation { id } } }`;
  const PAY = `mutation ($id: ID!, $key: ID!) {
    pay(input: { reservationId: $id, idempotencyKey: $key }) { ... on Payment { status } } }`;

  const { enterQueue } = await step('enter', ENTER, { id: queueId });
  const socket = await Socket.ready(debug.url, buyer.accessToken);
  const extensions = { requestId: 'purchase-7.place' };
  socket.send({
    type: 'subscribe',
    id: '1',
    payload: { query: PLACE, variables: { token: enterQueue.value }, extensions },
  });
  await socket.until(({ payload }) => payload?.data?.queuePosition.status === 'ACTIVE');
  token = enterQueue.value;
  await charge(rival, 1_000);
  await step('seats', SEATS, { id: sold.id });
  const { reserve: held } = await step('reserve', RESERVE, { show: sold.id, seats: [sold.seats[0]] });
  const short = await step('too-early', PAY, { id: held.id, key: 'too-early' });
  expect(short.pay).toEqual({});
  await step('charge', CHARGE, { key: 'purchase', amount: 5_000 });
  expect((await step('pay', PAY, { id: held.id, key: 'paid' })).pay).toEqual({ status: 'COMPLETED' });
  await socket.until(({ type }) => type === 'complete');

  const ofPurchase = ({ requestId }: Data): boolean => requestId?.startsWith('purchase-7.');
  const lines = await linesThat(debug, ofPurchase, 8);
  const seen = lines.map(({ requestId, transport, rootFields, outcome, msg }) =>
    [requestId.slice(11), transport, rootFields.join(), outcome ?? msg].join(' '),
  );
  expect(seen).toHaveLength(8);
  expect(seen.filter((line) => !line.startsWith('place'))).toEqual([
    'enter http enterQueue ok',
    'seats http seatMap ok',
    'reserve http reserve ok',
    'too-early http pay INSUFFICIENT_BALANCE',
    'charge http charge ok',
    'pay http pay ok',
  ]);
  expect(seen.filter((line) => line.startsWith('place'))).toEqual([
    'place websocket queuePosition a subscription began',
    'place websocket queuePosition ok',
  ]);
  expect(new Set(lines.map(({ userId }) => userId)), 'and of nobody else').toEqual(new Set([buyer.id]));
  const commands = lines.flatMap((line) => line.commands ?? []);
  expect(commands.map(({ command }: Data) => command)).toEqual(['reserve', 'pay', 'charge', 'pay']);
  await socket.close();
});

it('no password, access token, queue token, idempotency key or secret of the server is logged at trace', async () => {
  const at = await world.startProcess({ LOG_LEVEL: 'trace', SLOW_MS: '1' });
  const secret = (what: string): string => `${what}-${randomUUID()}`;
  const [password, wrongPassword] = [secret('right'), secret('wrong')];
  const keys = Object.fromEntries(['charge', 'pay', 'broken', 'again'].map((what) => [what, secret(what)]));
  const SIGN = (verb: string): string =>
    `mutation ($input: CredentialsInput!) { ${verb}(input: $input) { ... on Session { accessToken user { id } } } }`;
  const signing = { input: { name: 'a careful buyer', password } };
  const { signUp } = (await post(at.url, SIGN('signUp'), signing)).data;
  const { signIn } = (await post(at.url, SIGN('signIn'), signing)).data;
  await post(at.url, SIGN('signIn'), { input: { name: 'a careful buyer', password: wrongPassword } });
  await post(at.url, `mutation { signIn(input: { name: "x", password: "${wrongPassword}" }) { nothing } }`);

  const queueId = await makeQueue(operator.at(at.url), { capacity: 1 });
  const sold = await makeShow(operator.at(at.url), {}, queueId);
  const buyer = new Buyer(signUp.user.id, signUp.accessToken, at.url);
  const code = secret('CODE').toUpperCase();
  await buyer.ask(`mutation { enterQueue(input: { queueId: "${queueId}", priorityCode: "${code}" }) { __typename } }`);
  const inside = await admit(buyer, queueId);
  const token = inside.queueToken as string;
  await inside.ask(POLL, { token });
  await inside.ask(`{ queueToken(value: "${token}") { status } }`);
  await inside.ask(`{ queueToken(value: "${token}") { nothing } }`);
  const feed = inside.watch(PLACE, { token });
  await feed.until(() => true);
  const stream = await Stream.subscribe(at.url, inside.accessToken, PLACE, { token });
  await stream.until(() => true);
  const { id } = await reserve(inside, sold.id, [sold.seats[0] as string]);
  await charge(inside, 5_000, keys.charge);
  const broken = async (table: string, column: string, work: () => Promise<unknown>): Promise<void> => {
    await world.pool.query(`alter table ${table} rename column ${column} to ${column}_away`);
    await work().finally(() => world.pool.query(`alter table ${table} rename column ${column}_away to ${column}`));
  };
  await broken('entry', 'balance_after', () => inside.ask(CHARGE, { key: keys.broken, amount: 1 }));
  await broken('idempotency_key', 'key', () => inside.ask(CHARGE, { key: keys.again, amount: 1 }));
  await broken('user_account', 'issuer', () => post(at.url, SIGN('signIn'), signing));
  await broken('user_account', 'name', () =>
    post(at.url, SIGN('signUp'), { input: { name: 'a second buyer', password: wrongPassword } }),
  );
  expect(await pay(inside, id, keys.pay)).toMatchObject({ status: 'COMPLETED' });
  await post(at.url, '{ wallet { balance } }', {}, { authorization: `Bearer ${signIn.accessToken}x` });
  await Promise.all([feed.ended, stream.over]);
  await feed.close();

  const { rows } = await world.pool.query<{ hash: string }>('select password_hash as hash from user_account');
  const hashes = rows.map(({ hash }) => hash).filter(Boolean);
  const faults = linesOf(at).filter(({ level }) => level === 50);
  expect(faults.length, 'the faults were logged').toBeGreaterThanOrEqual(4);
  expect(linesOf(at).some(({ statements }) => statements?.length > 0)).toBe(true);
  const secrets = {
    ...{ password, wrongPassword, signUp: signUp.accessToken, signIn: signIn.accessToken, token, code, ...keys },
    ...{ AUTH_SECRET, operator: 'operator-password', operatorToken: operator.accessToken },
    ...Object.fromEntries(hashes.map((hash, index) => [`hash ${index}`, hash])),
  };
  const log = at.log();
  for (const [what, text] of Object.entries(secrets)) expect(log.includes(text as string), what).toBe(false);
});
