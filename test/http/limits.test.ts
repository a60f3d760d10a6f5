import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/builders.ts';
import { type Answer, post } from '../support/client.ts';
import { Socket } from '../support/socket.ts';
import { Stream } from '../support/stream.ts';
import { whileLocked } from '../support/while-locked.ts';
import { World } from '../support/world.ts';

let world: World;
let url: string;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  url = world.urls[0] as string;
});
afterAll(() => world.close());

/** A chain of concert -> shows -> concert ... `levels` deep. */
function chain(levels: number): string {
  const [open, close] = ['shows { concert { ', '} } '];
  const pairs = Math.floor((levels - 1) / 2);
  return `${open.repeat(pairs)}id ${close.repeat(pairs)}`;
}

/** Refused before anything ran: no data, every error bounded, and quickly. */
async function expectRefused(query: string, code: string, says?: RegExp): Promise<Answer> {
  const start = performance.now();
  const answer = await post(url, query);
  expect(performance.now() - start).toBeLessThan(2_000);
  expect(answer.status).toBe(400);
  expect(answer.data ?? null).toBeNull();
  expect(answer.errors?.length).toBeLessThanOrEqual(101);
  expect(answer.errors?.every(({ extensions }) => extensions.code === code)).toBe(true);
  if (says) expect(answer.errors?.map(({ message }) => message).join('\n')).toMatch(says);
  return answer;
}

const ID = '00000000-0000-7000-8000-000000000000';

describe('an operation deeper than the limit', () => {
  it('is refused as it stands, and hidden in a fragment that is used twice', async () => {
    await expectRefused(
      `{ concert(id: "${ID}") { ${chain(16)} id } concerts { edges { node { ${chain(15)} } } } }`,
      'GRAPHQL_VALIDATION_FAILED',
      /deeper/,
    );
    await expectRefused(
      `{ a: concert(id: "${ID}") { id ...Half } }
       fragment Half on Concert { ${chain(9).replace('id', 'id ...Rest')} }
       fragment Rest on Concert { ${chain(9)} }`,
      'GRAPHQL_VALIDATION_FAILED',
      /deeper/,
    );
  });

  it('is served up to the limit, also where the same fragment is used twice', async () => {
    const [open, close] = ['payment { payable { ... on Reservation { ', '} } } '];
    const buyer = await world.buyer();
    const { data, errors } = await buyer.ask(
      `{ a: reservation(id: "${ID}") { ...Part } b: reservation(id: "${ID}") { ...Part } }
       fragment Part on Reservation { ${open.repeat(7)} id ${close.repeat(7)} }`,
    );
    expect({ data, errors }).toEqual({ data: { a: null, b: null }, errors: undefined });
  });

  it('is refused over a WebSocket in the same words, and no resolver runs', async () => {
    const query = `query Q { concert(id: "${ID}") { ${chain(19)} } }`;
    const { errors } = await expectRefused(query, 'GRAPHQL_VALIDATION_FAILED', /deeper/);
    const socket = await Socket.ready(url);
    socket.subscribe('1', query);
    const { type, payload } = await socket.until(({ id }) => id === '1');
    expect({ type, payload }).toEqual({ type: 'error', payload: errors });
    await socket.close();
  });
});

describe('a document that is not meant well', () => {
  it.each([
    [
      'fragments in a circle',
      `{ concerts { edges { node { ...A } } } } fragment A on Concert { ...B } fragment B on Concert { ...A }`,
      /spread fragment|itself/i,
    ],
    [
      'fragments in many circles at the root of a mutation',
      `mutation { ...F0 } ${Array.from({ length: 30 }, (_, i) => `fragment F${i} on Mutation { ...F${(i + 1) % 30} ...F${(i + 2) % 30} }`).join(' ')}`,
      /spread fragment|itself/i,
    ],
    [
      '201 fields for every row of a list',
      `{ seatMap(showId: "${ID}") { ${Array.from({ length: 201 }, (_, i) => `a${i}: id`).join(' ')} } }`,
      /more than 200 fields in one list/,
    ],
    ['an alias of 101 characters', `{ settings { ${'a'.repeat(101)}: currency } }`, /more than 100 characters/],
    ['a fragment within itself', '{ ...A } fragment A on Query { ...A }', /spread fragment|itself/i],
    [
      '1,000 aliases',
      `{ ${Array.from({ length: 1_000 }, (_, i) => `a${i}: settings { currency }`).join(' ')} }`,
      /more than 600 fields/,
    ],
    ['1,000 times one field', `{ ${'settings { currency } '.repeat(1_000)} }`, /more than 600 fields/],
    [
      'aliases multiplied by fragments',
      `{ ${Array.from({ length: 20 }, (_, i) => `...F${i}`).join(' ')} } ${Array.from({ length: 20 }, (_, i) => `fragment F${i} on Query { ${Array.from({ length: 40 }, (_, j) => `a${i}x${j}: __typename`).join(' ')} }`).join(' ')}`,
      /more than 600 fields/,
    ],
    ['5,000 directives, unknown', `{ settings ${'@a '.repeat(4_900)} { currency } }`, undefined],
    ['1,300 directives that exist', `{ settings { currency ${'@skip(if: false) '.repeat(1_300)} } }`, undefined],
  ])('of %s is refused quickly, with a bounded list of errors', async (_what, query, says) => {
    await expectRefused(query, 'GRAPHQL_VALIDATION_FAILED', says);
  });

  it('of 100,000 tokens is not even parsed to its end', async () => {
    await expectRefused(`{ ${'a '.repeat(100_000)} }`, 'GRAPHQL_PARSE_FAILED', /tokens/);
    await expectRefused(`{ ${'['.repeat(20_000)}`, 'GRAPHQL_VALIDATION_FAILED', /deeper/);
    await expectRefused(`{ a${'{a'.repeat(4_900)}`, 'GRAPHQL_VALIDATION_FAILED', /deeper/);
  });

  it('whose names are long is told so in short', async () => {
    const name = 'x'.repeat(4_000);
    const ring = Array.from({ length: 50 }, (_, i) => `fragment ${name}${i} on Query { ...${name}${(i + 1) % 50} }`);
    for (const query of [
      `{ ${name.repeat(100)} }`,
      `{ settings(${name}: 1) { ${name} } }`,
      `{ ...${name}0 } ${ring.join(' ')}`,
    ]) {
      const { errors } = await expectRefused(query, 'GRAPHQL_VALIDATION_FAILED');
      for (const { message } of errors ?? []) expect(message.length).toBeLessThanOrEqual(800);
    }
  });

  it('of 1 MB is refused by its size', async () => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: `{ settings { currency } } #${'x'.repeat(1_000_000)}` }),
    });
    expect(response.status).toBe(413);
    expect(await response.text()).not.toContain('KRW');
  });

  it('nested thousands deep gets one answer over HTTP, a WebSocket and a stream, and no fault is logged', async () => {
    const nested = (levels: number) => `subscription { ${'a{'.repeat(levels)}a${'}'.repeat(levels)} }`;
    const hidden = `subscription A { seatChanges(showId: "${ID}") { showId } } query B { ${'a{'.repeat(2_500)}a${'}'.repeat(2_500)} }`;
    const { accessToken } = await world.buyer();
    for (const query of [nested(2_000), nested(3_300), hidden]) {
      const { errors } = await expectRefused(query, 'GRAPHQL_VALIDATION_FAILED', /^The document is deeper than/);
      const socket = await Socket.ready(url, accessToken);
      socket.subscribe('1', query);
      expect((await socket.until(({ id }) => id === '1')).payload).toEqual(errors);
      await socket.close();
      const stream = await Stream.subscribe(url, accessToken, query);
      await stream.over;
      expect(stream.text).toContain(JSON.stringify(errors));
    }
    const byGet = await fetch(`${url}?query=${encodeURIComponent(`{ ${'a{'.repeat(200)}`)}`, {
      headers: { 'apollo-require-preflight': '1' },
    });
    expect(byGet.status).toBe(400);
    expect(world.processes[0]?.log()).not.toMatch(/RangeError|"level":50/);
  });

  it('whose strings and comments are full of brackets is served', async () => {
    const signs = '{[('.repeat(100);
    const query = `{ # "${signs}
      a: settings { currency } b: coupon(id: "\\"${signs}") { id } c: coupon(id: """"${signs} \\""" ${signs}""") { id } }`;
    const { errors } = await post(url, query);
    expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT', 'BAD_USER_INPUT']);
  });

  it('nested 2,400 deep in lists and objects of a literal is refused, and the process lives', async () => {
    const literal = `${'['.repeat(2_400)}${']'.repeat(2_400)}`;
    const { errors } = await post(url, `{ concerts(first: ${literal}) { edges { cursor } } }`);
    expect(errors?.length).toBeGreaterThan(0);
    expect((await post(url, '{ settings { currency } }')).data).toEqual({ settings: { currency: 'KRW' } });
  });
});

describe('root mutations of one document', () => {
  const signUps = (count: number, from: string) =>
    Array.from(
      { length: count },
      (_, i) => `m${i}: signUp(input: { name: "${from} ${i}", password: "correct horse" }) { __typename }`,
    ).join(' ');
  const countOf = async (from: string) =>
    (await world.pool.query('select count(*)::int as n from user_account where name like $1', [`${from} %`])).rows[0].n;

  it('are at most 10: an eleventh and none of them is done, also when fragments hide it', async () => {
    await expectRefused(`mutation { ${signUps(11, 'plain')} }`, 'GRAPHQL_VALIDATION_FAILED', /more than 10 mutations/);
    await expectRefused(
      `mutation { ...A ... { ...B } } fragment A on Mutation { ${signUps(6, 'hidden')} }
       fragment B on Mutation { ${signUps(6, 'hidden').replaceAll(/\bm(?=\d)/g, 'n')} }`,
      'GRAPHQL_VALIDATION_FAILED',
    );
    expect([await countOf('plain'), await countOf('hidden')]).toEqual([0, 0]);
  });

  it('cannot be multiplied to guess passwords: as many as allowed are each judged for themselves', async () => {
    const guesses = Array.from(
      { length: 10 },
      (_, i) => `g${i}: signIn(input: { name: "operator", password: "guess number ${i}" }) { ... on Problem { code } }`,
    );
    const { data } = await post(url, `mutation { ${guesses.join(' ')} }`);
    expect(Object.values(data)).toEqual(Array(10).fill({ code: 'INVALID_CREDENTIALS' }));
    await expectRefused(`mutation { ${guesses.join(' ')} more: ${guesses[0]?.slice(4)} }`, 'GRAPHQL_VALIDATION_FAILED');
  });
});

it('a document of hundreds of fields leaves connections to others: while all that it waits for is held up, they are answered', async () => {
  const [greedy, other] = await world.buyers(2);
  const fields = Array.from({ length: 300 }, (_, i) => `f${i}: order(id: "${ID}") { id }`).join(' ');
  const lock = { text: 'lock table shop_order in access exclusive mode' };
  const { data } = await whileLocked(world.pool, lock, async () => {
    const asked = greedy?.ask(`{ ...Many } fragment Many on Query { ${fields} }`);
    const waiting = `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
    await eventually(async () => ((await world.pool.query(waiting)).rowCount ?? 0) >= 4);
    for (let times = 0; times < 5; times++) {
      expect(await other?.hasty().get('{ wallet { balance } }')).toEqual({ wallet: { balance: 0 } });
    }
    // The sweep of orders may wait as well.
    expect((await world.pool.query(waiting)).rowCount).toBeLessThanOrEqual(5);
    return asked ?? { data: undefined };
  });
  expect(Object.values(data ?? {}).every((order) => order === null)).toBe(true);
});
