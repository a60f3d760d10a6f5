import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeQueue, TOKEN } from '../support/builders.ts';
import { type Buyer, type Data, post } from '../support/client.ts';
import { line, type Place } from '../support/places.ts';
import { Socket } from '../support/socket.ts';
import { Stream } from '../support/stream.ts';
import { World } from '../support/world.ts';

let world: World;
let url: string;
let operator: Buyer;
let place: Place;
let queueId: string;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  url = world.urls[0] as string;
  operator = await world.operator();
  queueId = await makeQueue(operator, { capacity: 1, admitPerMinute: 0 });
  [place] = (await line(await world.buyers(1), queueId)) as [Place];
});
afterAll(() => world.close());

/** The whole answer as it came: status, the head that matters, and text. */
async function answer(
  query: string | undefined,
  variables: unknown,
  headers: Record<string, string> = {},
  more: object = {},
) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${place.buyer.accessToken}`, ...headers },
    body: JSON.stringify({ query, variables, ...more }),
  });
  const { status } = response;
  const head = ['content-type', 'cache-control', 'vary'].map((name) => response.headers.get(name));
  return { status, head, body: JSON.parse(await response.text()) as Data };
}

const ALIASED = TOKEN.replace('status', 'state: status __typename').replace('position', 'position position');
const PLAIN = `query ($token: ID!) { mine: queueToken(value: $token) { ${ALIASED} } }`;
/** The same, which must be executed for its fragment. */
const EXECUTED = `query ($token: ID!) { mine: queueToken(value: $token) { ...All } } fragment All on QueueToken { ${ALIASED} }`;

describe('a query that is answered without executing it field by field', () => {
  it('is the same, to the head, as executed, the first time as later', async () => {
    const executed = await answer(EXECUTED, { token: place.value });
    expect(executed.body.data.mine).toMatchObject({ state: 'WAITING', position: 1, __typename: 'QueueToken' });
    for (let time = 1; time <= 3; time++) expect(await answer(PLAIN, { token: place.value })).toEqual(executed);
  });

  it('refuses the same, in the same words, however often it was answered before', async () => {
    const [stranger] = await world.buyers(1);
    const wrongs: [unknown, Record<string, string>][] = [
      [{ token: 'x' }, {}],
      [{}, {}],
      [{ token: null }, {}],
      [{ token: {} }, {}],
      ['x', {}],
      [[], {}],
      [{ token: place.value }, { authorization: 'Bearer garbage' }],
      [{ token: place.value }, { authorization: `Bearer ${stranger?.accessToken}` }],
      [{ token: place.value }, { authorization: '' }],
    ];
    await answer(PLAIN, { token: place.value });
    for (const [variables, headers] of wrongs) {
      const [plain, executed] = [await answer(PLAIN, variables, headers), await answer(EXECUTED, variables, headers)];
      const bare = (told: Data) => JSON.parse(JSON.stringify(told).replaceAll(/"(line|column)":\d+/g, '"$1":0'));
      expect(bare(plain)).toEqual(bare(executed));
    }
  });

  it.each([
    'application/json',
    'application/json, text/plain, */*',
    'application/graphql-response+json',
    'application/graphql-response+json,application/json;q=0.9',
    'application/json;q=0.1, application/graphql-response+json',
    'text/html, application/json',
    'text/html',
  ])('is sent as the kind of JSON that was asked for: %s', async (accept) => {
    for (const token of [place.value, 'x']) {
      await answer(PLAIN, { token });
      const [plain, executed] = [
        await answer(PLAIN, { token }, { accept }),
        await answer(EXECUTED, { token }, { accept }),
      ];
      expect({ ...plain, body: plain.body.data }).toEqual({ ...executed, body: executed.body.data });
    }
  });

  it('is answered by its name, and refused by another', async () => {
    const named = PLAIN.replace('query', 'query Mine');
    for (let time = 1; time <= 2; time++) {
      const variables = { token: place.value };
      const client = { extensions: { clientLibrary: { name: 'some client' } } };
      const mine = await answer(named, variables, {}, { operationName: 'Mine', ...client });
      expect(mine.body.data.mine.position).toBe(1);
      expect((await answer(named, variables, {}, { operationName: 'Other' })).status).toBe(400);
    }
  });

  it('runs nothing that was not read: another text, a second operation, a mutation behind its name', async () => {
    const two = `${PLAIN.replace('query', 'query A')} query B { settings { currency } }`;
    expect((await answer(two, { token: place.value })).status).toBe(400);
    expect((await answer(`${PLAIN} `, { token: place.value })).body.data.mine.position).toBe(1);
    expect((await answer(PLAIN.replace('mine', 'nobody { x }'), {})).body.errors.length).toBeGreaterThan(0);
  });

  it('is asked for as a nobody UNAUTHENTICATED, also once it was answered to somebody', async () => {
    const { status, data, errors } = await post(url, PLAIN, { token: place.value });
    expect({ status, data }).toEqual({ status: 200, data: { mine: null } });
    expect(errors).toMatchObject([{ path: ['mine'], extensions: { code: 'UNAUTHENTICATED' } }]);
  });
});

describe('a subscription whose events are written without executing them', () => {
  const watch = (selection: string): string =>
    `subscription ($token: ID!) { mine: queuePosition(token: $token) { ${selection} }`;

  it('tells the same as executed, over a socket and as a stream', async () => {
    const { accessToken } = place.buyer;
    const variables = { token: place.value };
    const socket = await Socket.ready(url, accessToken);
    const [plain, executed] = [`${watch(ALIASED)} }`, `${watch('...All')} } fragment All on QueueToken { ${ALIASED} }`];
    socket.subscribe('plain', plain, variables);
    socket.subscribe('executed', executed, variables);
    const [one, other] = await Promise.all(
      ['plain', 'executed'].map((name) => socket.until(({ id, type }) => id === name && type === 'next')),
    );
    expect(one.payload).toEqual(other.payload);
    expect(one.payload.data.mine).toMatchObject({ position: 1, __typename: 'QueueToken' });
    for (const query of [plain, executed]) {
      const stream = await Stream.subscribe(url, accessToken, query, variables);
      expect(await stream.until(() => true)).toEqual(one.payload);
      stream.close();
    }
    await socket.close();
  });

  it('asks the guards for each event', async () => {
    const { accessToken } = operator;
    const query = `subscription { queueStats(queueId: "${queueId}") { waiting active __typename } }`;
    const stream = await Stream.subscribe(url, accessToken, query);
    expect(await stream.until(() => true)).toEqual({
      data: { queueStats: { waiting: 1, active: 0, __typename: 'QueueStats' } },
    });
    await world.pool.query(`update user_account set role = 'BUYER' where id = $1`, [operator.id]);
    expect(await stream.over).toBe('ended');
    await world.pool.query(`update user_account set role = 'OPERATOR' where id = $1`, [operator.id]);
    expect(stream.results.at(-1)).toMatchObject({ errors: [{ extensions: { code: 'FORBIDDEN' } }] });
  });
});
