import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { admit, type MadeShow, makeQueue, makeShow, pay, reserve, seatPages } from '../support/builders.ts';
import { type Buyer, type Data, post } from '../support/client.ts';
import { World } from '../support/world.ts';

const SEATS = 100_000;
const STATES = 'query ($show: ID!) { seatStates(showId: $show) { showId states revision } }';

let world: World;
let operator: Buyer;
let show: MadeShow;
beforeAll(async () => {
  world = await World.open({ processes: 1, preload: './count-sql.ts', env: { HOLD_SECONDS: '2' } });
  operator = await world.operator();
  show = await makeShow(operator, { seatCount: SEATS, seatsPerRow: 100 });
}, 60_000);
afterAll(() => world.close());

const statesOf = async (of: MadeShow = show): Promise<Data> => (await operator.get(STATES, { show: of.id })).seatStates;

it('a hall of 100,000 seats is told in under 200 KB, as the pages of its map have it, held and sold and lapsed', async () => {
  const buyer = await world.buyer(1_000_000);
  const seat = (number: number): string => show.seats[number - 1] as string;
  const { id } = await reserve(buyer, show.id, [seat(2), seat(99_999)]);
  await pay(buyer, id);
  await reserve(await world.buyer(), show.id, [seat(1), seat(50_000)]);
  await sleep(2_000);
  await reserve(await world.buyer(), show.id, [seat(3), seat(50_000)]);

  const response = await fetch(operator.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: STATES, variables: { show: show.id } }),
  });
  const text = await response.text();
  expect(text.length).toBeLessThan(200_000);
  const { states, showId } = JSON.parse(text).data.seatStates;
  expect(showId).toBe(show.id);
  const letters = { ...{ 2: 'S', 99999: 'S' }, ...{ 3: 'H', 50000: 'H' } };
  const expected = Array(SEATS).fill('A');
  for (const [number, letter] of Object.entries(letters)) expected[Number(number) - 1] = letter;
  expect(states === expected.join('')).toBe(true);

  await sleep(2_000);
  const seats = await seatPages(operator, show.id, 'number status revision');
  const now = await statesOf();
  expect(now.states === seats.map(({ status }) => status.charAt(0)).join('')).toBe(true);
  expect(now.states.replaceAll('A', '')).toBe('SS');
  expect(now.revision).toBe(seats.reduce((sum, { revision }) => sum + revision, 0));
});

it('the revision goes up with every change of any seat: held, sold, lapsed, released', async () => {
  const small = await makeShow(operator, { seatCount: 3 });
  const buyer = await world.buyer(10_000);
  const revisions = [(await statesOf(small)).revision];
  const expectNewer = async (states: string): Promise<void> => {
    const now = await statesOf(small);
    expect(now.states).toBe(states);
    expect(now.revision).toBeGreaterThan(revisions.at(-1) as number);
    revisions.push(now.revision);
  };
  expect(await statesOf(small)).toEqual({ showId: small.id, states: 'AAA', revision: revisions[0] });
  const { id } = await reserve(buyer, small.id, [small.seats[1] as string]);
  await expectNewer('AHA');
  await pay(buyer, id);
  await expectNewer('ASA');
  await reserve(buyer, small.id, [small.seats[2] as string]);
  await expectNewer('ASH');
  await sleep(2_000);
  await expectNewer('ASA');
  const again = await reserve(buyer, small.id, [small.seats[2] as string]);
  await expectNewer('ASH');
  await buyer.get(`mutation { releaseReservation(id: "${again.id}") { __typename } }`);
  await expectNewer('ASA');
});

it('fifty who ask for it at once share a few queries', async () => {
  const [{ messages }] = world.processes as [World['processes'][number]];
  const before = messages.length;
  const url = world.urls[0] as string;
  const asked = await Promise.all(Array.from({ length: 50 }, () => post(url, STATES, { show: show.id })));
  expect(new Set(asked.map(({ data }) => data.seatStates.states.length))).toEqual(new Set([SEATS]));
  // What was sent is told over a channel of its own, which may be behind the answers.
  await sleep(100);
  const queries = messages.slice(before).filter(({ type, value }) => type === 'sql' && /string_agg/.test(`${value}`));
  expect(queries.length).toBeGreaterThan(0);
  expect(queries.length).toBeLessThanOrEqual(15);
});

it('more than 5,000 seats need first, which is from 1 to 5,000', async () => {
  const map =
    'query ($show: ID!, $first: Int, $after: Int) { seatMap(showId: $show, first: $first, afterNumber: $after) { number } }';
  expect(await operator.fail(map, { show: show.id })).toBe('BAD_USER_INPUT');
  for (const first of [0, -1, 5_001, 100_000, 1_000_000]) {
    expect(await operator.fail(map, { show: show.id, first })).toBe('BAD_USER_INPUT');
  }
  const { seatMap } = await operator.get(map, { show: show.id, first: 5_000, after: 5_000 });
  expect([seatMap.length, seatMap[0].number, seatMap.at(-1).number]).toEqual([5_000, 5_001, 10_000]);
  // Without first, what is left may be answered.
  expect((await operator.get(map, { show: show.id, after: 95_000 })).seatMap).toHaveLength(5_000);
  const free =
    'query ($id: ID!, $date: LocalDate!, $first: Int) { availableSeats(concertId: $id, date: $date, first: $first) { id } }';
  const { concert } = await operator.get(`{ concert(id: "${show.concertId}") { shows { date } } }`);
  const asked = { id: show.concertId, date: concert.shows[0].date };
  for (const first of [undefined, null, 0, 5_001]) {
    expect(await operator.fail(free, { ...asked, first })).toBe('BAD_USER_INPUT');
  }
  expect((await operator.get(free, { ...asked, first: 5_000 })).availableSeats).toHaveLength(5_000);
});

it('a show that there is not is NOT_FOUND, and one behind a queue is told to holders of an ACTIVE token only', async () => {
  expect(await operator.fail(STATES, { show: 'no id' })).toBe('BAD_USER_INPUT');
  expect(await operator.fail(STATES, { show: '01890000-0000-7000-8000-000000000000' })).toBe('NOT_FOUND');
  const queueId = await makeQueue(operator, { capacity: 1 });
  const behind = await makeShow(operator, { seatCount: 2 }, queueId);
  const buyer = await world.buyer();
  expect(await buyer.fail(STATES, { show: behind.id })).toBe('QUEUE_TOKEN_REQUIRED');
  const inside = await admit(buyer, queueId);
  expect((await inside.get(STATES, { show: behind.id })).seatStates.states).toBe('AA');
});
