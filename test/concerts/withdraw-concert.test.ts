import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  cancelPayment,
  eventually,
  type MadeShow,
  makeConcert,
  makeShow,
  pay,
  reserve,
  violationsOf,
} from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { faultOf, readStream } from '../support/events.ts';
import { refusalOf } from '../support/places.ts';
import { withdrawConcert } from '../support/withdrawn.ts';
import { World } from '../support/world.ts';

const RESERVE = 'mutation ($input: ReserveInput!) { reserve(input: $input) { __typename } }';
const BEST = 'mutation ($input: ReserveBestInput!) { reserveBest(input: $input) { __typename } }';
const FEED = 'subscription ($id: ID!) { seatChanges(showId: $id) { resync } }';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

/** What somebody sees of a concert and its show: of each field its answer, or null with an error. */
async function seenBy(asking: Buyer, { id, concertId }: MadeShow): Promise<Data> {
  const { rows } = await world.pool.query(
    `select slug, (starts_at at time zone 'Asia/Seoul')::date::text as date
     from concert c join show s on s.concert_id = c.id where s.id = $1`,
    [id],
  );
  const fields = {
    concert: `concert(id: "${concertId}") { id }`,
    concertBySlug: `concertBySlug(slug: "${rows[0].slug}") { id }`,
    concerts: 'concerts(first: 100) { edges { node { id } } }',
    show: `show(id: "${id}") { id }`,
    availableDates: `availableDates(concertId: "${concertId}") { id }`,
    availableSeats: `availableSeats(concertId: "${concertId}", date: "${rows[0].date}") { id }`,
    seatMap: `seatMap(showId: "${id}") { id }`,
    seatStates: `seatStates(showId: "${id}") { states }`,
  };
  const seen = Object.entries(fields).map(async ([name, field]) => {
    const { data } = await asking.ask(`{ ${field} }`);
    return [name, data?.[name] ?? null];
  });
  return Object.fromEntries(await Promise.all(seen));
}

const concertsIn = (seen: Data): string[] => seen.concerts.edges.map(({ node }: Data) => node.id);

it('a withdrawn concert is hidden from everybody but operators, with its shows', async () => {
  const show = await makeShow(operator, { seatCount: 2 });
  const buyer = await world.buyer(5_000);
  const before = await seenBy(buyer, show);
  expect(before).toMatchObject({
    concert: { id: show.concertId },
    show: { id: show.id },
    seatStates: { states: 'AA' },
  });
  expect(before.availableSeats).toHaveLength(2);
  expect(concertsIn(before)).toContain(show.concertId);
  const { id, withdrawnAt } = await withdrawConcert(operator, show.concertId);
  expect(id).toBe(show.concertId);
  for (const url of world.urls) {
    expect(await seenBy(buyer.at(url), show)).toMatchObject({ concert: null, concertBySlug: null, show: null });
    // A process may answer for it for a second, with nothing to buy.
    await eventually(async () => {
      const { seatMap, availableDates } = await seenBy(buyer.at(url), show);
      return seatMap === null && availableDates === null;
    });
    const { concerts, ...seen } = await seenBy(buyer.at(url), show);
    expect(seen).toEqual(Object.fromEntries(Object.keys(seen).map((name) => [name, null])));
    expect(concertsIn({ concerts })).not.toContain(show.concertId);
    const input = { showId: show.id, seatIds: show.seats };
    expect(await buyer.at(url).fail(RESERVE, { input })).toBe('NOT_FOUND');
    expect(await buyer.at(url).fail(BEST, { input: { showId: show.id, count: 1 } })).toBe('NOT_FOUND');
    expect((await refusalOf(buyer.at(url).watch(FEED, { id: show.id }))).extensions.code).toBe('NOT_FOUND');
    const seenByOperator = await seenBy(operator.at(url), show);
    expect(seenByOperator).toMatchObject({
      concert: { id },
      show: { id: show.id },
      availableDates: [],
      availableSeats: [],
    });
    expect([concertsIn(seenByOperator).includes(id), seenByOperator.seatMap.length]).toEqual([true, 2]);
  }
  const read = `query ($id: ID!) { concert(id: $id) { withdrawnAt } }`;
  expect((await operator.get(read, { id })).concert).toEqual({ withdrawnAt });
  expect(await withdrawConcert(operator, id)).toEqual({ __typename: 'Concert', id, withdrawnAt });
});

it('its holds end with it, and none of them is paid for', async () => {
  const show = await makeShow(operator, { seatCount: 3 });
  const buyer = await world.buyer(5_000);
  const held = await reserve(buyer, show.id, show.seats.slice(0, 2));
  await withdrawConcert(operator, show.concertId);
  expect(await pay(buyer, held.id)).toMatchObject({ __typename: 'Refusal', code: 'WITHDRAWN' });
  const reservation = `query ($id: ID!) { reservation(id: $id) { status show { id concert { id } } } }`;
  expect((await buyer.get(reservation, { id: held.id })).reservation).toEqual({
    status: 'RELEASED',
    show: { id: show.id, concert: { id: show.concertId } },
  });
  const { rows } = await world.pool.query('select from hold where show_id = $1', [show.id]);
  expect(rows).toEqual([]);
  expect(await violationsOf(operator)).toEqual({});
});

it('a hold that had lapsed is not paid for either, where late payments are accepted', async () => {
  const process = await world.startProcess({ LATE_PAYMENT: 'accept' });
  const buyer = (await world.buyer(5_000)).at(process.url);
  const expired = `set expires_at = clock_timestamp() - interval '1 second'`;
  for (const isWithdrawn of [false, true]) {
    const show = await makeShow(operator);
    const { id } = await reserve(buyer, show.id, show.seats.slice(0, 1));
    await world.pool.query(
      `with r as (update reservation ${expired} where id = $1) update hold ${expired} where reservation_id = $1`,
      [id],
    );
    const status = 'query ($id: ID!) { reservation(id: $id) { status } }';
    expect((await buyer.get(status, { id })).reservation).toEqual({ status: 'EXPIRED' });
    if (isWithdrawn) await withdrawConcert(operator, show.concertId);
    expect(await pay(buyer, id)).toMatchObject(isWithdrawn ? { code: 'WITHDRAWN' } : { status: 'COMPLETED' });
  }
  expect(await violationsOf(operator)).toEqual({});
});

it('it is refused while seats of coming shows are sold, naming the shows; given back or begun, it is not', async () => {
  const concertId = await makeConcert(operator);
  const [first, second, third] = [
    await makeShow(operator, { concertId }),
    await makeShow(operator, { concertId, startsAt: new Date(Date.now() + 30 * 3_600_000) }),
    await makeShow(operator, { concertId }),
  ];
  const buyer = await world.buyer(10_000);
  const paid = [];
  for (const show of [first, second]) {
    paid.push(await pay(buyer, (await reserve(buyer, show.id, [show.seats[0] as string])).id));
  }
  const held = await reserve(buyer, third.id, [third.seats[0] as string]);
  expect(await withdrawConcert(operator, concertId)).toEqual({
    __typename: 'SeatsSold',
    code: 'SEATS_SOLD',
    showIds: [first.id, second.id],
  });
  expect(
    (await buyer.get('query ($id: ID!) { reservation(id: $id) { status } }', { id: held.id })).reservation,
  ).toEqual({ status: 'HELD' });
  await cancelPayment(operator, paid[0].id);
  expect(await withdrawConcert(operator, concertId)).toMatchObject({ showIds: [second.id] });
  await world.pool.query(`update show set starts_at = clock_timestamp() - interval '1 hour' where id = $1`, [
    second.id,
  ]);
  expect(await withdrawConcert(operator, concertId)).toMatchObject({ __typename: 'Concert', id: concertId });
  expect(await cancelPayment(operator, paid[1].id)).toMatchObject({ status: 'CANCELLED' });
  expect(await violationsOf(operator)).toEqual({});
});

it('nothing of a withdrawn concert is mended, and it gets no show', async () => {
  const show = await makeShow(operator);
  const { concertId } = show;
  await withdrawConcert(operator, concertId);
  const refused = { __typename: 'Withdrawn', code: 'WITHDRAWN', ids: [concertId] };
  const told = '__typename ... on Withdrawn { code ids }';
  const mendShow = `mutation ($input: UpdateShowInput!) { updateShow(input: $input) { ${told} } }`;
  expect((await operator.get(mendShow, { input: { id: show.id, venue: 'x' } })).updateShow).toEqual(refused);
  const mendConcert = `mutation ($input: UpdateConcertInput!) { updateConcert(input: $input) { ${told} } }`;
  expect((await operator.get(mendConcert, { input: { id: concertId, title: 'x' } })).updateConcert).toEqual(refused);
  await expect(makeShow(operator, { concertId })).rejects.toThrow('is a concert that was withdrawn');
  const unknown = 'mutation ($input: WithdrawConcertInput!) { withdrawConcert(input: $input) { __typename } }';
  expect(await operator.fail(unknown, { input: { id: randomUUID() } })).toBe('NOT_FOUND');
  expect(await operator.fail(unknown, { input: { id: 'x' } })).toBe('BAD_USER_INPUT');
});

it('a withdrawal is told to other systems once, and the end of each hold', async () => {
  const show = await makeShow(operator);
  const held = await reserve(await world.buyer(), show.id, [show.seats[0] as string]);
  const { withdrawnAt } = await withdrawConcert(operator, show.concertId);
  await withdrawConcert(operator, show.concertId);
  const told = async (subject: string): Promise<Data[]> =>
    (await readStream(world.redis)).filter((event) => event.subject === subject);
  await eventually(async () => (await told(show.concertId)).length > 0 && (await told(held.id)).length > 1);
  const events = await told(show.concertId);
  expect(events.map(({ type, data }) => [type, data])).toEqual([
    ['concert.withdrawn.v1', { concertId: show.concertId, withdrawnAt }],
  ]);
  expect((await told(held.id)).map(({ type }) => type)).toEqual(['reservation.held.v1', 'reservation.released.v1']);
  expect(events.map(faultOf)).toEqual([undefined]);
});
