import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cancelPayment, eventually, makeShow, pay, reserve, seatPages, violationsOf } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { faultOf, readStream } from '../support/events.ts';
import { World } from '../support/world.ts';

const HOUR = 3_600_000;
const FIELDS = 'id subtitle venue startsAt durationMinutes salesOpenAt salesCloseAt price seatCount availableCount';
const UPDATE = `mutation ($input: UpdateShowInput!) { updateShow(input: $input) { __typename ... on Show { ${FIELDS} }
  ... on ShowBegun { begun: startsAt } ... on NoSeatAvailable { sections } ... on Withdrawn { ids }
  ... on Problem { code } } }`;
const READ = `query ($id: ID!) { show(id: $id) { ${FIELDS} } }`;

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

const there = (): Buyer => operator.at(world.urls[1] as string);
const mend = async (input: object): Promise<Data> => (await there().get(UPDATE, { input })).updateShow;
const read = async (id: string): Promise<Data> => (await operator.get(READ, { id })).show;
const fromNow = (ms: number): Date => new Date(Date.now() + ms);
const SECTIONS = [
  { name: 'Floor', seatCount: 6, seatsPerRow: 3, price: 900 },
  { name: 'Balcony', seatCount: 4, price: 500 },
];
/** Waits until a process listens for changes of the show's seats. */
const isHeard = (showId: string): Promise<void> =>
  eventually(async () => {
    const [, listeners] = (await world.redis.pubsub('NUMSUB', `onsale:seats:${showId}`)) as [string, number];
    return listeners > 0;
  });
const pricesOf = async (showId: string): Promise<number[]> =>
  (await seatPages(operator, showId, 'price')).map(({ price }) => price);

it('an update changes what it names and nothing else', async () => {
  const { id } = await makeShow(operator, { subtitle: 'first', durationMinutes: 90 });
  const before = await read(id);
  const times = { startsAt: fromNow(50 * HOUR), salesOpenAt: fromNow(HOUR), salesCloseAt: fromNow(49 * HOUR) };
  const told = Object.fromEntries(Object.entries(times).map(([name, at]) => [name, at.toISOString()]));
  expect(await mend({ id, venue: 'another hall', ...times })).toEqual({
    __typename: 'Show',
    ...before,
    venue: 'another hall',
    ...told,
  });
  expect(await mend({ id, subtitle: '', durationMinutes: 100 })).toMatchObject({
    venue: 'another hall',
    subtitle: '',
    durationMinutes: 100,
  });
  expect(await read(id)).toEqual({ ...before, venue: 'another hall', ...told, subtitle: '', durationMinutes: 100 });
});

it('a price is that of the AVAILABLE seats of its section: what is held or sold keeps its own, to the last won', async () => {
  const show = await makeShow(operator, { sections: SECTIONS });
  const [sold, held, lapsed, late] = (await world.buyers(4, 10_000)) as [Buyer, Buyer, Buyer, Buyer];
  const paid = await pay(sold, (await reserve(sold, show.id, [show.seats[0] as string])).id);
  const holding = await reserve(held, show.id, [show.seats[1] as string, show.seats[6] as string]);
  const { id } = await reserve(lapsed, show.id, [show.seats[2] as string]);
  const expired = `set expires_at = clock_timestamp() - interval '1 second'`;
  await world.pool.query(
    `with r as (update reservation ${expired} where id = $1 returning id)
    update hold ${expired} where reservation_id = $1`,
    [id],
  );
  const revisions = async (): Promise<number[]> =>
    (await seatPages(operator, show.id, 'revision')).map(({ revision }) => revision);
  const before = await revisions();
  expect(await mend({ id: show.id, prices: [{ section: 'Floor', price: 1_000 }] })).toMatchObject({
    __typename: 'Show',
  });
  expect(await pricesOf(show.id)).toEqual([900, 900, 1_000, 1_000, 1_000, 1_000, 500, 500, 500, 500]);
  const isHigher = (await revisions()).map((revision, index) => revision > (before[index] as number));
  expect(isHigher).toEqual([false, false, true, true, true, true, false, false, false, false]);
  expect(await pay(held, holding.id)).toMatchObject({ status: 'COMPLETED', amount: 1_400 });
  expect(await reserve(late, show.id, [show.seats[2] as string])).toMatchObject({ amount: 1_000 });
  expect(await cancelPayment(sold, paid.id)).toMatchObject({ status: 'CANCELLED', amount: 900 });
  await mend({
    id: show.id,
    prices: [
      { section: 'Floor', price: 700 },
      { section: 'Balcony', price: 0 },
    ],
  });
  expect(await pricesOf(show.id)).toEqual([700, 900, 1_000, 700, 700, 700, 500, 0, 0, 0]);
  expect(await violationsOf(operator)).toEqual({});
});

it('the seats of a show made without sections have the price of the show', async () => {
  const show = await makeShow(operator, { seatCount: 3 });
  expect(await mend({ id: show.id, prices: [{ section: '', price: 5 }] })).toMatchObject({ price: 5 });
  expect(await pricesOf(show.id)).toEqual([5, 5, 5]);
});

it('new sections have the next numbers and rows of their own, and are sold like the others', async () => {
  const show = await makeShow(operator, { seatCount: 3, seatsPerRow: 2, price: 100 });
  const buyer = await world.buyer(10_000);
  await pay(buyer, (await reserve(buyer, show.id, show.seats)).id);
  await eventually(async () => {
    const { rows } = await world.pool.query('select sold_out_at from show where id = $1', [show.id]);
    return rows[0].sold_out_at !== null;
  });
  const addSections = [
    { name: '발코니', seatCount: 3, seatsPerRow: 2, price: 50 },
    { name: 'Stage', seatCount: 1, price: 70 },
  ];
  expect(await mend({ id: show.id, addSections })).toMatchObject({ seatCount: 7 });
  const seats = await seatPages(operator, show.id, 'id number label section price status');
  expect(seats.slice(3).map(({ id, ...seat }) => seat)).toEqual([
    { number: 4, label: '발코니-A1', section: '발코니', price: 50, status: 'AVAILABLE' },
    { number: 5, label: '발코니-A2', section: '발코니', price: 50, status: 'AVAILABLE' },
    { number: 6, label: '발코니-B1', section: '발코니', price: 50, status: 'AVAILABLE' },
    { number: 7, label: 'Stage-A1', section: 'Stage', price: 70, status: 'AVAILABLE' },
  ]);
  const { rows } = await world.pool.query('select row_index as row from seat where show_id = $1 order by number', [
    show.id,
  ]);
  expect(rows.map(({ row }) => row)).toEqual([0, 0, 1, 2, 2, 3, 4]);
  expect(await pay(buyer, (await reserve(buyer, show.id, [seats[6].id])).id)).toMatchObject({ amount: 70 });
  await eventually(async () => {
    const { rows } = await world.pool.query('select sold_out_at from show where id = $1', [show.id]);
    return rows[0].sold_out_at === null;
  });
  await eventually(async () => (await read(show.id)).availableCount === 3);
  expect(await violationsOf(operator)).toEqual({});
});

it('a hall of 100,000 seats gets another price in one step, and subscribers are told to ask again', async () => {
  const show = await makeShow(operator, { seatCount: 100_000, seatsPerRow: 100 });
  const feed = there().watch('subscription ($id: ID!) { seatChanges(showId: $id) { resync seats { id } } }', {
    id: show.id,
  });
  await isHeard(show.id);
  expect(await mend({ id: show.id, prices: [{ section: '', price: 7 }] })).toMatchObject({ price: 7 });
  await feed.until(({ seatChanges }) => seatChanges.resync && seatChanges.seats.length === 0);
  await feed.close();
  const { rows } = await world.pool.query(
    'select price::int, count(*)::int as n from seat where show_id = $1 group by price',
    [show.id],
  );
  expect(rows).toEqual([{ price: 7, n: 100_000 }]);
}, 60_000);

it('subscribers learn of a new price of few seats, and are told to ask again when seats are added', async () => {
  const show = await makeShow(operator, { seatCount: 2 });
  const query =
    'subscription ($id: ID!) { seatChanges(showId: $id) { resync seats { number price status revision } } }';
  const feed = operator.watch(query, { id: show.id });
  await isHeard(show.id);
  await mend({ id: show.id, prices: [{ section: '', price: 7 }] });
  const { seatChanges } = await feed.until(({ seatChanges: change }) => change.seats.length === 2);
  const byNumber = seatChanges.seats.sort((a: Data, b: Data) => a.number - b.number);
  expect(byNumber).toEqual([1, 2].map((number) => ({ number, price: 7, status: 'AVAILABLE', revision: 1 })));
  await mend({ id: show.id, addSections: [{ name: 'more', seatCount: 1, price: 1 }] });
  await feed.until(({ seatChanges: change }) => change.resync);
  await feed.close();
});

it('another place or time keeps holds and tickets, moves the deadline for cancelling, and is told to other systems', async () => {
  const show = await makeShow(operator);
  const buyer = await world.buyer(10_000);
  const paid = await pay(buyer, (await reserve(buyer, show.id, [show.seats[0] as string])).id);
  const holding = await reserve(buyer, show.id, [show.seats[1] as string]);
  const was = await read(show.id);
  const startsAt = fromNow(90 * HOUR);
  await mend({ id: show.id, venue: 'elsewhere', startsAt });
  await mend({ id: show.id, subtitle: 'told to nobody' });
  expect(await pay(buyer, holding.id)).toMatchObject({ status: 'COMPLETED' });
  await mend({ id: show.id, startsAt: fromNow(1_500) });
  await eventually(async () => new Date((await read(show.id)).startsAt) <= new Date());
  expect(await cancelPayment(buyer, paid.id)).toMatchObject({ code: 'NOT_CANCELLABLE' });
  let events: Data[] = [];
  await eventually(async () => {
    events = (await readStream(world.redis)).filter(
      ({ type, subject }) => type === 'show.changed.v1' && subject === show.id,
    );
    return events.length >= 2;
  });
  expect(events).toHaveLength(2);
  expect(events[0]?.data).toEqual({
    ...{ showId: show.id, concertId: show.concertId, venue: 'elsewhere', startsAt: startsAt.toISOString() },
    before: { venue: was.venue, startsAt: was.startsAt },
  });
  expect(events.map(faultOf)).toEqual([undefined, undefined]);
});

it('what cannot be is refused with what is in the way, and nothing changes', async () => {
  const show = await makeShow(operator, { sections: SECTIONS });
  const buyer = await world.buyer(10_000);
  await reserve(buyer, show.id, show.seats.slice(6));
  const state = async (): Promise<unknown> => [await read(show.id), await pricesOf(show.id)];
  const before = await state();
  const full = {
    prices: [
      { section: 'Floor', price: 1 },
      { section: 'Balcony', price: 1 },
    ],
    venue: 'x',
  };
  expect(await mend({ id: show.id, ...full })).toEqual({
    __typename: 'NoSeatAvailable',
    code: 'NO_SEAT_AVAILABLE',
    sections: ['Balcony'],
  });
  const section = { name: 'new', seatCount: 1, price: 1 };
  const wrong = [
    ...[
      { venue: '' },
      { venue: null },
      { subtitle: 'a\0' },
      { durationMinutes: 0 },
      { durationMinutes: null },
      { startsAt: null },
    ],
    ...[{ startsAt: fromNow(-1_000) }, { salesOpenAt: fromNow(24 * HOUR) }, { salesCloseAt: fromNow(-2 * HOUR) }],
    { salesOpenAt: fromNow(HOUR), salesCloseAt: fromNow(HOUR / 2) },
    ...[{ prices: null }, { prices: [{ section: 'Nowhere', price: 1 }] }, { prices: [{ section: '', price: 1 }] }],
    { prices: [{ section: 'Floor', price: -1 }] },
    { prices: [{ section: 'Floor', price: 1_000_000_001 }] },
    {
      prices: [
        { section: 'Floor', price: 1 },
        { section: 'Floor', price: 2 },
      ],
    },
    ...[{ addSections: [] }, { addSections: null }, { addSections: [{ ...section, name: 'Floor' }] }],
    ...[{ addSections: [section, section] }, { addSections: [{ ...section, name: '' }] }],
    ...[{ addSections: [{ ...section, seatCount: 99_991 }] }, { addSections: [{ ...section, price: -1 }] }],
    { venue: 'changed', addSections: [{ ...section, seatCount: 0 }] },
  ];
  for (const input of wrong)
    expect([input, await operator.fail(UPDATE, { input: { id: show.id, ...input } })]).toEqual([
      input,
      'BAD_USER_INPUT',
    ]);
  const { errors } = await operator.ask(UPDATE, {
    input: { id: show.id, addSections: [{ ...section, seatCount: 99_991 }] },
  });
  expect(errors?.[0]?.message).toContain('100000');
  expect(await operator.fail(UPDATE, { input: { id: randomUUID(), venue: 'x' } })).toBe('NOT_FOUND');
  expect(await operator.fail(UPDATE, { input: { id: 'x', venue: 'x' } })).toBe('BAD_USER_INPUT');
  expect(await state()).toEqual(before);
  expect(await mend({ id: show.id, addSections: [{ ...section, seatCount: 99_990, seatsPerRow: 500 }] })).toMatchObject(
    { seatCount: 100_000 },
  );
}, 60_000);

it('a show that has begun is not changed any more, and none is made or moved into the past', async () => {
  const show = await makeShow(operator);
  await world.pool.query(`update show set starts_at = clock_timestamp() - interval '1 second' where id = $1`, [
    show.id,
  ]);
  const before = await read(show.id);
  const refused = { __typename: 'ShowBegun', code: 'SHOW_BEGUN', begun: before.startsAt };
  expect(await mend({ id: show.id, venue: 'elsewhere' })).toEqual(refused);
  expect(await mend({ id: show.id, startsAt: fromNow(HOUR) })).toEqual(refused);
  expect(await read(show.id)).toEqual(before);
  await expect(makeShow(operator, { startsAt: fromNow(-1_000) })).rejects.toThrow('startsAt must lie in the future');
});

it('a show that was cancelled is not changed any more', async () => {
  const show = await makeShow(operator);
  await world.pool.query(`update show set cancelled_at = clock_timestamp(), cancel_reason = 'rain' where id = $1`, [
    show.id,
  ]);
  expect(await mend({ id: show.id, venue: 'elsewhere' })).toEqual({ __typename: 'Refusal', code: 'SHOW_CANCELLED' });
  expect((await read(show.id)).venue).toBe('a hall');
});
