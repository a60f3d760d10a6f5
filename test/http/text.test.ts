import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Buyer, post } from '../support/client.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  operator = await world.operator();
});
afterAll(() => world.close());

const CREATE = 'mutation ($input: CreateConcertInput!) { createConcert(input: $input) { id title description } }';
const SIGN_UP =
  'mutation ($input: CredentialsInput!) { signUp(input: $input) { ... on Session { accessToken user { name } } } }';

/** Text that has broken programs before, and none of which is more than text. */
const STORED: [string, string][] = [
  ['SQL', `Robert'); drop table user_account; --`],
  ['a quoted name', `"; select 'x' \\' $1 $$ %s`],
  ['emoji of several code points', '👩‍👩‍👧‍👦 at the 🎟️ gate 🇰🇷'],
  ['right-to-left text and marks', '\u202eevil\u202c \u200fשלום العالم\u200e'],
  ['combining marks', `Z${'\u0301\u0316'.repeat(10)}algo`],
  ['both ways to write é', 'caf\u00e9 cafe\u0301'],
  ['zero-width characters', 'a\u200bb\u200dc\ufeffd'],
  ['markup', '<script>alert(1)</script>&amp;'],
  ['what looks like null', 'null'],
  ['what looks like JSON', '{"__proto__":{"admin":true}}'],
  ['a lone backslash', '\\u0000 \\0'],
  ['noncharacters', 'a\ufffe\uffffb'],
];

/** Text that PostgreSQL cannot store. */
const REFUSED: [string, string][] = [
  ['NUL', 'a\0b'],
  ['NUL alone', '\0\0\0'],
  ['half a surrogate pair', 'abc\ud83d'],
  ['the other half', '\udc00abc'],
];

describe("a concert's title and description", () => {
  it.each(STORED)('keep %s exactly', async (_what, text) => {
    const { createConcert } = await operator.get(CREATE, { input: { title: text, description: text } });
    expect(createConcert).toEqual({ id: createConcert.id, title: text, description: text });
    const { concert } = await operator.get(`{ concert(id: "${createConcert.id}") { title description } }`);
    expect(concert).toEqual({ title: text, description: text });
    const { rows } = await world.pool.query('select title from concert where id = $1', [createConcert.id]);
    expect(rows).toEqual([{ title: text }]);
  });

  it.each([
    ...REFUSED,
    ['nothing', ''],
    ['201 characters', 'x'.repeat(201)],
    ['400,000 characters', '🎟'.repeat(100_000)],
  ])('of %s is refused, never a fault of ours', async (_what, title) => {
    const count = async () => (await world.pool.query('select count(*) from concert')).rows;
    const before = await count();
    expect(await operator.fail(CREATE, { input: { title } })).toBe('BAD_USER_INPUT');
    if (title !== '' && title.length !== 201)
      expect(await operator.fail(CREATE, { input: { title: 'a title', description: title } })).toBe('BAD_USER_INPUT');
    expect(await count()).toEqual(before);
  });

  it('of 10 MB is refused before it is read', async () => {
    const response = await fetch(operator.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${operator.accessToken}` },
      body: JSON.stringify({ query: CREATE, variables: { input: { title: 'x'.repeat(10_000_000) } } }),
    }).then(
      ({ status }) => status,
      () => 'cut off while sending',
    );
    expect([413, 'cut off while sending']).toContain(response);
  });
});

describe("a user's name", () => {
  it.each(STORED)('keeps %s exactly', async (_what, text) => {
    const name = [...text].slice(0, 40).join('').trim();
    const { data } = await post(operator.url, SIGN_UP, { input: { name, password: 'correct horse' } });
    expect(data.signUp.user).toEqual({ name });
    const me = await post(operator.url, '{ me { name } }', {}, { authorization: `Bearer ${data.signUp.accessToken}` });
    expect(me.data).toEqual({ me: { name } });
  });

  it.each(REFUSED)('of %s is refused, never a fault of ours', async (_what, name) => {
    const { errors } = await post(operator.url, SIGN_UP, { input: { name, password: 'correct horse' } });
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
  });
});

it('such text in every other place of text is the fault of the caller, or finds nothing', async () => {
  const ID = '00000000-0000-7000-8000-000000000000';
  for (const [, text] of [...STORED, ...REFUSED]) {
    for (const [query, code] of [
      ['query ($text: ID!) { concert(id: $text) { id } }', 'BAD_USER_INPUT'],
      ['query ($text: ID!) { queueToken(value: $text) { status } }', 'BAD_USER_INPUT'],
      ['query ($text: String!) { concerts(after: $text) { edges { cursor } } }', 'BAD_USER_INPUT'],
      [`query ($text: String!) { seatMap(showId: "${ID}", section: $text) { id } }`, /NOT_FOUND|BAD_USER_INPUT/],
      [
        'mutation ($text: ID!) { charge(input: { amount: 0, idempotencyKey: $text }) { __typename } }',
        'BAD_USER_INPUT',
      ],
      ['query ($text: LocalDate!) { availableSeats(concertId: "x", date: $text) { id } }', 'BAD_USER_INPUT'],
    ] as const) {
      expect(await operator.fail(query, { text })).toMatch(code);
    }
  }
  expect(world.processes[0]?.log()).not.toContain('"level":50');
});

it('such text in headers is refused or of no effect', async () => {
  for (const token of ['%00', '\u00e9\u00ff', `'; drop table hold`, 'x'.repeat(8_000)]) {
    const answer = await post(operator.url, '{ settings { currency } }', {}, { 'x-queue-token': token });
    expect(answer).toMatchObject({ status: 200, data: { settings: { currency: 'KRW' } } });
  }
});
