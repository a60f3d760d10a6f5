import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeQueue, TOKEN } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { line, type Place } from '../support/places.ts';
import { Socket } from '../support/socket.ts';
import { Stream } from '../support/stream.ts';
import { World } from '../support/world.ts';

let world: World;
let url: string;
let buyer: Buyer;
let place: Place;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  url = world.urls[0] as string;
  const queueId = await makeQueue(await world.operator(), { capacity: 1, admitPerMinute: 0 });
  [place] = (await line(await world.buyers(1), queueId)) as [Place];
  buyer = place.buyer;
});
afterAll(() => world.close());

/** JSON of an object with so many keys that no input has, each with its value. */
function unknownKeys(count: number, value: unknown = 1): string {
  return JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, value])));
}

/** JSON of a list of so many of one value. */
function listOf(count: number, json: string): string {
  return `[${Array(count).fill(json).join()}]`;
}

/** JSON of an object in an object, or a list in a list, so many times. */
function nested(levels: number, open: string, close: string): string {
  return `${open.repeat(levels)}1${close.repeat(levels)}`;
}

const LONG = JSON.stringify('x'.repeat(400_000));

const CHARGE = 'mutation ($input: ChargeInput!) { charge(input: $input) { __typename } }';
const RESERVE = 'mutation ($input: ReserveInput!) { reserve(input: $input) { __typename } }';
const PLACE_ORDER = 'mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) { __typename } }';
/** A document that is answered by its plan once it is known. */
const POLL = `query ($token: ID!) { queueToken(value: $token) { ${TOKEN} } }`;

/** Variables as JSON, wrong each in its way, within what a body may be. */
const WRONG: [string, string, string][] = [
  ['40,000 unknown keys', CHARGE, `{"input":${unknownKeys(40_000)}}`],
  ['11,900 unknown keys', CHARGE, `{"input":${unknownKeys(11_900)}}`],
  ['50 unknown keys with 9,000 characters each', CHARGE, `{"input":${unknownKeys(50, 'x'.repeat(9_000))}}`],
  ['49 unknown keys with 49 unknown keys each', CHARGE, `{"input":${unknownKeys(49, JSON.parse(unknownKeys(49)))}}`],
  ['one key of 400,000 characters', CHARGE, `{"input":{${LONG}:1}}`],
  ['one key of 39,000 characters', CHARGE, `{"input":{"${'k'.repeat(39_000)}":1}}`],
  ['a text of 400,000 characters for an amount', CHARGE, `{"input":{"amount":${LONG}}}`],
  ['control characters, and halves of pairs', CHARGE, `{"input":{"${'\\u0001\\ud83d'.repeat(15_000)}":1}}`],
  ['objects 40,000 levels deep', CHARGE, `{"input":${nested(40_000, '{"a":', '}')}}`],
  ['lists 40,000 levels deep', RESERVE, `{"input":{"seatIds":${nested(40_000, '[', ']')}}}`],
  ['5,900 objects for ids', RESERVE, `{"input":{"seatIds":${listOf(5_900, '{}')}}}`],
  ['40,000 numbers for ids', RESERVE, `{"input":{"seatIds":${listOf(40_000, '1.5')}}}`],
  ['3,900 lines, wrong in every place', PLACE_ORDER, `{"input":{"lines":${listOf(3_900, unknownKeys(2))}}}`],
  ['40,000 unknown keys for a text', POLL, `{"token":${unknownKeys(40_000)}}`],
  ['11,500 items for a text', POLL, `{"token":${listOf(11_500, '"x"')}}`],
  ['40,000 variables that the document does not have', POLL, unknownKeys(40_000)],
];

const CODES: Record<number, string> = { 400: 'BAD_USER_INPUT', 413: 'BAD_REQUEST' };

/** The one error of the answer, which is small. */
function soleErrorOf(body: string, status = 400): Data {
  expect(Buffer.byteLength(body)).toBeLessThanOrEqual(1_024);
  const answer = JSON.parse(body) as Data;
  const argument =
    status === 400 ? { argument: expect.stringMatching(/^(input|value|token|first)[.[\w\]]{0,100}$/) } : {};
  expect(answer).toEqual({ errors: [expect.objectContaining({ extensions: { code: CODES[status], ...argument } })] });
  return answer.errors[0];
}

/** Within which a wrong variable is answered. */
const PROMISED_MS = 20;

/** @param variables as JSON */
async function send(query: string, variables: string): Promise<{ status: number; body: string; ms: number }> {
  const start = performance.now();
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${buyer.accessToken}` },
    body: `{"query":${JSON.stringify(query)},"variables":${variables}}`,
  });
  const body = await response.text();
  return { status: response.status, body, ms: performance.now() - start };
}

describe('wrong variables are answered with one bounded error, in milliseconds', () => {
  it.each(WRONG)('%s', async (what, query, variables) => {
    // The text is known from the second time on.
    if (query === POLL) for (let time = 1; time <= 2; time++) await send(query, JSON.stringify({ token: place.value }));
    const times: number[] = [];
    while (times.length < 5 || (Math.min(...times) >= 3 * PROMISED_MS && times.length < 50)) {
      const { status, body, ms } = await send(query, variables);
      expect(status).toBe(/^40,000/.test(what) || /levels/.test(what) ? 413 : 400);
      soleErrorOf(body, status);
      times.push(ms);
    }
    // The least of them is what it takes when the machine does nothing else.
    expect(Math.min(...times)).toBeLessThan(3 * PROMISED_MS);
  });

  it('as one that says what is wrong, and where', async () => {
    const { body } = await send(CHARGE, `{"input":{"idempotencyKey":"k","amount":"${'x'.repeat(30_000)}"}}`);
    const { message } = soleErrorOf(body);
    expect(message).toMatch(
      /^Variable "\$input" got invalid value "x+ \[\.\.\.\] x+" at "input.amount"; Money must be/,
    );
    const query = 'query ($a: Int!, $b: ID!) { concerts(first: $a) { edges { cursor } } coupon(id: $b) { id } }';
    const two = await send(query, '{"a":"one"}');
    expect(soleErrorOf(two.body).message).toMatch(/^Variable "\$a" got invalid value "one"; Int cannot represent/);
  });
});

it('subscriptions are refused so too, over a socket and as a stream', async () => {
  const query = 'subscription ($token: ID!) { queuePosition(token: $token) { status } }';
  const { accessToken } = buyer;
  const large = [listOf(30_000, '1'), nested(9_000, '{"a":', '}')];
  const tokens = [unknownKeys(5_000), unknownKeys(45), listOf(7_500, '"x"'), nested(90, '{"a":', '}'), ...large];
  for (const token of tokens) {
    const asked = `{"query":${JSON.stringify(query)},"variables":{"token":${token}}}`;
    const socket = await Socket.ready(url, accessToken);
    socket.send(`{"type":"subscribe","id":"1","payload":${asked}}`);
    const { payload } = await socket.until(({ id }) => id === '1');
    soleErrorOf(JSON.stringify(payload));
    expect(socket.isOpen).toBe(true);
    await socket.close();
    // A body of so many values is refused before anybody knows what it asks for.
    if (large.includes(token)) continue;
    const stream = await Stream.open(url, { authorization: `Bearer ${accessToken}` }, asked);
    await stream.over;
    expect(stream.results).toEqual([payload]);
  }
});

it('what a client may need has room: a reservation of 1,000 ids, a hall of 1,000 sections', async () => {
  const ids = Array.from({ length: 1_000 }, (_, i) => `00000000-0000-7000-8000-${String(i).padStart(12, '0')}`);
  const { errors } = await buyer.ask(RESERVE, { input: { showId: ids[0], seatIds: ids } });
  expect(errors).toMatchObject([{ extensions: { code: 'NOT_FOUND' } }]);
  const sections = ids.map((id) => ({ name: id, seatCount: 1, seatsPerRow: 1, price: 1 }));
  const show = { concertId: ids[0], venue: 'hall', startsAt: '2030-01-02T00:00:00Z', price: 1, sections };
  const sale = { salesOpenAt: '2030-01-01T00:00:00Z', salesCloseAt: '2030-01-02T00:00:00Z' };
  const operator = await world.operator();
  const made = await operator.ask('mutation ($input: CreateShowInput!) { createShow(input: $input) { id } }', {
    input: { ...show, ...sale },
  });
  expect(made.errors).toMatchObject([{ extensions: { code: 'NOT_FOUND' } }]);
});

it('nobody else waits while such requests come, and no fault is logged', async () => {
  let served = 0;
  let isOver = false;
  const others = (async () => {
    while (!isOver) {
      const { body } = await send(POLL, JSON.stringify({ token: place.value }));
      expect(JSON.parse(body).data.queueToken.status).toBe('WAITING');
      served++;
    }
  })();
  const wrong = WRONG.filter(([, query]) => query !== POLL);
  for (const [, query, variables] of wrong) {
    const { status, body } = await send(query, variables);
    soleErrorOf(body, status);
  }
  isOver = true;
  await others;
  // A refusal may take less time than a poll, but nobody waits for several of them.
  expect(served).toBeGreaterThanOrEqual(wrong.length / 2);
  expect(world.processes[0]?.log()).toBe('');
});
