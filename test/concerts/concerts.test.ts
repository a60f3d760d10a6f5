import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeConcert, makeShow, reserve } from '../support/builders.ts';
import { type Buyer, type Data, post } from '../support/client.ts';
import { forgedCursor } from '../support/cursors.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

const HOUR = 3_600_000;
const CREATE =
  'mutation ($input: CreateShowInput!) { createShow(input: $input) { id seatCount date startsAt availableCount } }';
const FREE = `query ($id: ID!, $date: LocalDate!, $section: String, $after: Int, $first: Int) {
  availableSeats(concertId: $id, date: $date, section: $section, afterNumber: $after, first: $first) { id number showId } }`;

function showInput(concertId: string, input: object = {}): object {
  const now = Date.now();
  return {
    concertId,
    venue: 'a hall',
    startsAt: new Date(now + 24 * HOUR),
    salesOpenAt: new Date(now - HOUR),
    salesCloseAt: new Date(now + 23 * HOUR),
    price: 100,
    ...input,
  };
}

it('a show with 100,000 seats is made in under 5 seconds', async () => {
  const concertId = await makeConcert(operator);
  const start = performance.now();
  const { createShow } = await operator.get(CREATE, {
    input: showInput(concertId, { seatCount: 100_000, seatsPerRow: 50 }),
  });
  // Three times the promise: the machine may be busy.
  expect(performance.now() - start).toBeLessThan(15_000);
  expect(createShow).toMatchObject({ seatCount: 100_000, availableCount: 100_000 });
  const { rows } = await world.pool.query(
    'select count(*)::int as n, count(distinct number)::int as numbers, max(label) filter (where number = 100000) as last from seat where show_id = $1',
    [createShow.id],
  );
  expect(rows[0]).toEqual({ n: 100_000, numbers: 100_000, last: 'BXX50' });
});

it('rows are lettered A to Z, then AA; numbers run on over sections', async () => {
  const show = await makeShow(operator, {
    sections: [
      { name: 'Floor', seatCount: 53, seatsPerRow: 2, price: 9 },
      { name: 'Balcony', seatCount: 2, price: 5 },
    ],
  });
  const { seatMap } = await operator.get('query ($id: ID!) { seatMap(showId: $id) { number label section price } }', {
    id: show.id,
  });
  expect([0, 51, 52, 53, 54].map((index) => seatMap[index])).toEqual([
    { number: 1, label: 'Floor-A1', section: 'Floor', price: 9 },
    { number: 52, label: 'Floor-Z2', section: 'Floor', price: 9 },
    { number: 53, label: 'Floor-AA1', section: 'Floor', price: 9 },
    { number: 54, label: 'Balcony-A1', section: 'Balcony', price: 5 },
    { number: 55, label: 'Balcony-A2', section: 'Balcony', price: 5 },
  ]);
});

it('dates are those of the deployment: an evening in UTC is the next day in Seoul', async () => {
  const concertId = await makeConcert(operator);
  const { createShow } = await operator.get(CREATE, {
    input: showInput(concertId, { startsAt: '2030-07-04T18:30:00+02:00', salesCloseAt: '2030-07-01T00:00:00Z' }),
  });
  expect(createShow).toMatchObject({ date: '2030-07-05', startsAt: '2030-07-04T16:30:00.000Z' });
  expect((await operator.get(FREE, { id: concertId, date: '2030-07-05' })).availableSeats).toHaveLength(50);
  expect((await operator.get(FREE, { id: concertId, date: '2030-07-04' })).availableSeats).toEqual([]);
});

it('available dates are those on sale with a free seat, soonest first', async () => {
  const concertId = await makeConcert(operator);
  const later = await makeShow(operator, { concertId, startsAt: new Date(Date.now() + 72 * HOUR) });
  const sooner = await makeShow(operator, { concertId, seatCount: 2 });
  await makeShow(operator, { concertId, salesOpenAt: new Date(Date.now() + HOUR) });
  await makeShow(operator, { concertId, salesCloseAt: new Date(Date.now() - HOUR / 2) });
  const dates = async (): Promise<string[]> =>
    (
      await operator.get('query ($id: ID!) { availableDates(concertId: $id) { id } }', { id: concertId })
    ).availableDates.map(({ id }: Data) => id);
  expect(await dates()).toEqual([sooner.id, later.id]);
  const buyer = await world.buyer();
  await reserve(buyer, sooner.id, sooner.seats);
  expect(await dates()).toEqual([later.id]);
});

it('available seats leave out what is held, go by start and number, and need first beyond 5,000', async () => {
  const concertId = await makeConcert(operator);
  const early = await makeShow(operator, {
    concertId,
    startsAt: '2031-01-01T03:00:00Z',
    salesCloseAt: '2030-12-01T00:00:00Z',
  });
  const late = await makeShow(operator, {
    concertId,
    startsAt: '2031-01-01T09:00:00Z',
    salesCloseAt: '2030-12-01T00:00:00Z',
    seatCount: 5_000,
  });
  await reserve(await world.buyer(), early.id, [early.seats[0] as string]);
  const asked = { id: concertId, date: '2031-01-01' };
  const { availableSeats } = await operator.get(FREE, { ...asked, first: 50 });
  expect(availableSeats[0]).toMatchObject({ showId: early.id, number: 2 });
  expect(availableSeats[49]).toMatchObject({ showId: late.id, number: 1 });
  expect(await operator.fail(FREE, asked)).toBe('BAD_USER_INPUT');
  const behind = await operator.get(FREE, { ...asked, after: 4_998 });
  expect(behind.availableSeats.map(({ number }: Data) => number)).toEqual([4_999, 5_000]);
});

it('concerts are paged newest first, and cursors of anything else are refused', async () => {
  const ids = [await makeConcert(operator), await makeConcert(operator), await makeConcert(operator)].reverse();
  const page =
    'query ($first: Int!, $after: String) { concerts(first: $first, after: $after) { edges { cursor node { id } } pageInfo { hasNextPage endCursor } } }';
  const first = (await operator.get(page, { first: 2 })).concerts;
  await makeConcert(operator);
  const next = (await operator.get(page, { first: 1, after: first.pageInfo.endCursor })).concerts;
  expect([...first.edges, ...next.edges].map(({ node }) => node.id)).toEqual(ids);
  const { reservations } = await operator.get('{ reservations { pageInfo { endCursor } } }');
  expect(reservations.pageInfo.endCursor).toBeNull();
  const foreign = forgedCursor('payment', ids[0] as string);
  for (const after of ['x', '', foreign, first.pageInfo.endCursor.slice(0, -3), `${first.pageInfo.endCursor}AA`]) {
    expect(await operator.fail(page, { first: 1, after })).toBe('BAD_USER_INPUT');
  }
  for (const size of [0, -1, 101, 1_000_000]) expect(await operator.fail(page, { first: size })).toBe('BAD_USER_INPUT');
});

it('what cannot be a show is BAD_USER_INPUT, and nothing of it is made', async () => {
  const concertId = await makeConcert(operator);
  const section = { name: 's', seatCount: 10, price: 1 };
  const bad = [
    { seatCount: 0 },
    { seatCount: 100_001 },
    { seatCount: -1 },
    { seatsPerRow: 0 },
    { price: -1 },
    { venue: '' },
    { venue: 'a\0b' },
    { durationMinutes: 0 },
    { salesOpenAt: '2030-01-02T00:00:00Z', salesCloseAt: '2030-01-01T00:00:00Z' },
    { sections: [] },
    { sections: [section, section] },
    {
      sections: [
        { ...section, seatCount: 60_000 },
        { ...section, name: 't', seatCount: 60_000 },
      ],
    },
    { startsAt: '2030-01-01' },
    { startsAt: '2030-13-01T00:00:00Z' },
    { startsAt: '2030-01-01T00:00:00' },
    { startsAt: '0000-01-01T00:00:00Z' },
    { startsAt: '9999-12-31T23:59:59-12:00' },
    { price: 1.5 },
    { concertId: 'x' },
  ];
  for (const input of bad)
    expect([input, await operator.fail(CREATE, { input: showInput(concertId, input) })]).toEqual([
      input,
      'BAD_USER_INPUT',
    ]);
  expect(await operator.fail(CREATE, { input: showInput('01890000-0000-7000-8000-000000000000') })).toBe('NOT_FOUND');
  const { rowCount } = await world.pool.query('select from show where concert_id = $1', [concertId]);
  expect(rowCount).toBe(0);
});

it('a concert without a queue is open to everybody, signed in or not', async () => {
  const show = await makeShow(operator);
  const query =
    'query ($id: ID!, $show: ID!) { concert(id: $id) { title queue { id } } availableDates(concertId: $id) { id } seatMap(showId: $show, first: 1) { status } }';
  const { data, errors } = await post(operator.url, query, { id: show.concertId, show: show.id });
  expect(errors).toBeUndefined();
  expect(data).toMatchObject({
    concert: { queue: null },
    availableDates: [{ id: show.id }],
    seatMap: [{ status: 'AVAILABLE' }],
  });
});
