import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type MadeShow, makeShow } from '../support/builders.ts';
import type { Answer, Buyer } from '../support/client.ts';
import { World } from '../support/world.ts';

let world: World;
let buyer: Buyer;
let show: MadeShow;
let other: MadeShow;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  [show, other] = [await makeShow(await world.operator()), await makeShow(await world.operator())];
});
afterAll(() => world.close());
beforeEach(async () => {
  buyer = await world.buyer(5_000);
});

/** Refused as the caller's fault, in words of ours, and nothing was written. */
async function expectRefused({ data, errors }: Answer, codes = ['BAD_USER_INPUT']): Promise<void> {
  expect(data === null || data === undefined).toBe(true);
  expect(errors?.length).toBeGreaterThan(0);
  for (const { message, extensions } of errors ?? []) {
    expect(codes).toContain(extensions.code);
    expect(message).not.toMatch(/SQL|syntax for type|Cannot read|is not a function/);
  }
  const { rows } = await world.pool.query(
    `select (select balance::int from wallet where user_id = $1) as balance,
       (select count(*)::int from entry where wallet_id = $1) as entries,
       (select count(*)::int from idempotency_key where user_id = $1) as keys,
       (select count(*)::int from reservation) + (select count(*)::int from hold) as held`,
    [buyer.id],
  );
  expect(rows).toEqual([{ balance: 5_000, entries: 1, keys: 0, held: 0 }]);
}

const CHARGE = 'mutation ($input: ChargeInput!) { charge(input: $input) { __typename } }';
const RESERVE = 'mutation ($input: ReserveInput!) { reserve(input: $input) { __typename } }';
const LITERAL = ['BAD_USER_INPUT', 'GRAPHQL_VALIDATION_FAILED', 'GRAPHQL_PARSE_FAILED'];

describe('charge takes whole amounts from 1 to 10,000,000 and refuses', () => {
  it.each([
    ['0'],
    ['-1'],
    ['1.5'],
    ['10000001'],
    ['9007199254740991'],
    ['9007199254740992'],
    ['1e400'],
    ['-0.0'],
    ['1e-3'],
    ['null'],
    ['true'],
    ['"100"'],
    ['"1e9"'],
    ['"NaN"'],
    ['[]'],
    ['[100, 200]'],
    ['{}'],
  ])('%s, as a variable and as a literal', async (amount) => {
    const variables = `{"input":{"amount":${amount},"idempotencyKey":"k"}}`;
    const response = await fetch(buyer.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${buyer.accessToken}` },
      body: `{"query":${JSON.stringify(CHARGE)},"variables":${variables}}`,
    });
    await expectRefused({ status: response.status, ...((await response.json()) as Omit<Answer, 'status'>) });
    await expectRefused(
      await buyer.ask(`mutation { charge(input: { amount: ${amount}, idempotencyKey: "k" }) { __typename } }`),
      LITERAL,
    );
  });

  it('what only GraphQL can write: NaN, Infinity, hexadecimal, an enum value', async () => {
    for (const amount of ['NaN', 'Infinity', '-Infinity', '0x10', '1_000', '+5', 'HUNDRED', '$amount']) {
      await expectRefused(
        await buyer.ask(`mutation { charge(input: { amount: ${amount}, idempotencyKey: "k" }) { __typename } }`),
        LITERAL,
      );
    }
  });

  it('an amount that is missing, and a field that there is not', async () => {
    await expectRefused(await buyer.ask(CHARGE, { input: { idempotencyKey: 'k' } }));
    await expectRefused(await buyer.ask(CHARGE, { input: { amount: 1, idempotencyKey: 'k', currency: 'USD' } }));
    await expectRefused(await buyer.ask(CHARGE, { input: null }));
    await expectRefused(await buyer.ask(CHARGE));
  });

  it.each([
    [''],
    ['x'.repeat(129)],
    ['a\nb'],
    ['a\0b'],
    ['\u0085'],
    ['\u2028'],
    ['half \ud83d'],
    [null],
    [{}],
    [['a', 'b']],
    [1.5],
    [true],
  ])('%j for a key', async (idempotencyKey) => {
    await expectRefused(await buyer.ask(CHARGE, { input: { amount: 100, idempotencyKey } }));
  });
});

describe('reserve takes seats of one show, each once, and refuses', () => {
  const ID = '00000000-0000-7000-8000-000000000000';

  it.each<[string, () => unknown]>([
    ['no seats', () => []],
    ['a text that is no id', () => ['A1']],
    ['an empty id', () => ['']],
    ['an id with a space', () => [` ${show.seats[0]}`]],
    ['an id cut short', () => [show.seats[0]?.slice(0, -1)]],
    ['SQL for an id', () => [`'; drop table seat; --`]],
    ['an id with NUL', () => [`${show.seats[0]}\0`]],
    ['an id in braces', () => [`{${show.seats[0]}}`]],
    ['a number', () => [7]],
    ['null for an id', () => [null]],
    ['null for the list', () => null],
    ['a list of lists', () => [[show.seats[0]]]],
    ['one seat twice', () => [show.seats[0], show.seats[0]]],
    ['one seat twice in two spellings', () => [show.seats[0], show.seats[0]?.toUpperCase()]],
    ['a seat of another show', () => [show.seats[0], other.seats[0]]],
    ['a seat that there is not', () => [ID]],
    ['the id of the show', () => [show.id]],
    ['10,000 ids', () => Array.from({ length: 10_000 }, (_, i) => ID.slice(0, -5) + String(i).padStart(5, '0'))],
  ])('%s', async (_what, seatIds) => {
    await expectRefused(await buyer.ask(RESERVE, { input: { showId: show.id, seatIds: seatIds() } }));
    expect((await world.pool.query('select count(*)::int as n from seat')).rows).toEqual([{ n: 100 }]);
  });

  it('literals of the wrong shape', async () => {
    for (const seatIds of [
      '[]',
      '["A1"]',
      '[1.5]',
      '[true]',
      '{ id: "x" }',
      '[null]',
      '[A1]',
      `["${show.seats[0]}", "${show.seats[0]}"]`,
    ]) {
      await expectRefused(
        await buyer.ask(`mutation { reserve(input: { showId: "${show.id}", seatIds: ${seatIds} }) { __typename } }`),
        LITERAL,
      );
    }
  });

  it('a show that cannot be, as BAD_USER_INPUT, and one that there is not, as NOT_FOUND', async () => {
    for (const showId of ['', 'x', 7, `${show.id} `, show.id.replaceAll('-', '')]) {
      await expectRefused(await buyer.ask(RESERVE, { input: { showId, seatIds: [show.seats[0]] } }));
    }
    await expectRefused(await buyer.ask(RESERVE, { input: { showId: ID, seatIds: [show.seats[0]] } }), ['NOT_FOUND']);
    await expectRefused(await buyer.ask(RESERVE, { input: { showId: show.seats[0], seatIds: [show.seats[0]] } }), [
      'NOT_FOUND',
    ]);
  });
});

it('an id in capital letters is the same id', async () => {
  const { concert } = await buyer.get(`{ concert(id: "${show.concertId.toUpperCase()}") { id } }`);
  expect(concert).toEqual({ id: show.concertId });
});
