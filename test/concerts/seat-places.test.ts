import { afterAll, beforeAll, expect, it } from 'vitest';
import { layOut, placeOf } from '../../src/concerts/lay-out.ts';
import { eventually, makeShow, pay, reserve } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { World } from '../support/world.ts';

const PLACE = 'number label row column';
/** Of the second section, with a name that ends like a label. */
const SECTIONS = [
  { name: 'Floor', seatCount: 3, seatsPerRow: 2, price: 9 },
  { name: 'ROW-B2', seatCount: 4, seatsPerRow: 2, price: 5 },
];
const PLACES = [
  { number: 1, label: 'Floor-A1', row: 'A', column: 1 },
  { number: 2, label: 'Floor-A2', row: 'A', column: 2 },
  { number: 3, label: 'Floor-B1', row: 'B', column: 1 },
  { number: 4, label: 'ROW-B2-A1', row: 'A', column: 1 },
  { number: 5, label: 'ROW-B2-A2', row: 'A', column: 2 },
  { number: 6, label: 'ROW-B2-B1', row: 'B', column: 1 },
  { number: 7, label: 'ROW-B2-B2', row: 'B', column: 2 },
];

let world: World;
let operator: Buyer;
let buyer: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
  buyer = await world.buyer(1_000);
});
afterAll(() => world.close());

it('row and column are those of the label, relative to the section, however the hall is laid out', () => {
  const sections = [
    { name: 'A1', seatCount: 1_500, seatsPerRow: 2, price: 1 },
    { name: 'Z', seatCount: 30, seatsPerRow: 7, price: 1 },
  ];
  for (const some of [sections, sections.slice(0, 1)]) {
    let firstRow = -1;
    let section = '';
    for (const seat of layOut(some)) {
      if (seat.section !== section) firstRow = seat.rowIndex;
      section = seat.section;
      const { row, column } = placeOf(seat.label);
      expect(column).toBe(seat.columnIndex + 1);
      const index = [...row].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0) - 1;
      expect(index).toBe(seat.rowIndex - firstRow);
      expect(seat.label.endsWith(row + column)).toBe(true);
    }
  }
});

it('every way to a seat tells its row and column', async () => {
  const show = await makeShow(operator, { sections: SECTIONS });
  const seats = (some: readonly number[]): Data[] => some.map((number) => PLACES[number - 1]);
  const { seatMap, concert } = await buyer.get(
    `query ($show: ID!, $concert: ID!) { seatMap(showId: $show) { ${PLACE} } concert(id: $concert) { shows { date } } }`,
    { show: show.id, concert: show.concertId },
  );
  expect(seatMap).toEqual(PLACES);
  const free = `query ($id: ID!, $date: LocalDate!) { availableSeats(concertId: $id, date: $date, section: "ROW-B2") { ${PLACE} } }`;
  const { availableSeats } = await buyer.get(free, { id: show.concertId, date: concert.shows[0].date });
  expect(availableSeats).toEqual(seats([4, 5, 6, 7]));

  const feeds = world.urls.map((url) =>
    buyer.at(url).watch(`subscription ($id: ID!) { seatChanges(showId: $id) { seats { ${PLACE} status } } }`, {
      id: show.id,
    }),
  );
  const isTold = (numbers: readonly number[], status: string): Promise<unknown> =>
    Promise.all(
      feeds.map((feed) =>
        feed.until(({ seatChanges }) => {
          const told = seatChanges.seats.filter((seat: Data) => seat.status === status);
          return JSON.stringify(told) === JSON.stringify(seats(numbers).map((seat) => ({ ...seat, status })));
        }),
      ),
    );
  await eventually(async () => {
    const { id } = await reserve(buyer, show.id, [show.seats[0]!]);
    await buyer.get('mutation ($id: ID!) { releaseReservation(id: $id) { __typename } }', { id });
    return feeds.every(({ events }) => events.length > 0);
  });
  const hold = `mutation ($input: ReserveInput!) { reserve(input: $input) { ... on Reservation { id seats { ${PLACE} } } } }`;
  const held = (await buyer.get(hold, { input: { showId: show.id, seatIds: [show.seats[5], show.seats[2]] } })).reserve;
  expect(held.seats).toEqual(seats([3, 6]));
  await isTold([3, 6], 'HELD');
  await pay(buyer, held.id);
  await isTold([3, 6], 'SOLD');
  const best = `mutation ($input: ReserveBestInput!) { reserveBest(input: $input) { ... on Reservation { id seats { ${PLACE} } } } }`;
  const found = (await buyer.get(best, { input: { showId: show.id, count: 2, section: 'ROW-B2' } })).reserveBest;
  expect(found.seats).toEqual(seats([4, 5]));
  await isTold([4, 5], 'HELD');
  // The sweep frees what has lapsed.
  await world.pool.query(`update hold set expires_at = now() - interval '1 second' where reservation_id = $1`, [
    found.id,
  ]);
  await world.pool.query(`update reservation set expires_at = now() - interval '1 second' where id = $1`, [found.id]);
  await isTold([4, 5], 'AVAILABLE');
  const { reservations } = await buyer.get(`{ reservations(first: 2) { edges { node { seats { ${PLACE} } } } } }`);
  expect(reservations.edges.map(({ node }: Data) => node.seats)).toEqual([seats([4, 5]), seats([3, 6])]);
  await Promise.all(feeds.map((feed) => feed.close()));
});
