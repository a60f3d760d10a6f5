import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, makeShow, pay, reserve } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

const SEATS = 'query ($show: ID!) { seatMap(showId: $show, first: 2) { id status revision } }';
const MINE = 'query ($status: ReservationStatus) { reservations(status: $status) { edges { node { id status } } } }';
const RELEASE =
  'mutation ($id: ID!) { releaseReservation(id: $id) { ... on Reservation { id status seats { status } } ... on Problem { code } } }';

/** Makes a hold lapse now, as the clock would. */
async function age(reservationId: string): Promise<void> {
  const sql = (table: string, column: string) =>
    `update ${table} set expires_at = clock_timestamp() - interval '1 millisecond' where ${column} = $1`;
  await world.pool.query(sql('hold', 'reservation_id'), [reservationId]);
  await world.pool.query(sql('reservation', 'id'), [reservationId]);
}

async function statusOf(buyer: Buyer, id: string): Promise<string> {
  return (await buyer.get('query ($id: ID!) { reservation(id: $id) { status } }', { id })).reservation.status;
}

it('a lapsed hold frees the seat for another at once, and its owner sees EXPIRED', async () => {
  const show = await makeShow(operator);
  const [first, second] = (await world.buyers(2)) as [Buyer, Buyer];
  const seat = show.seats[0] as string;
  const lapsed = await reserve(first, show.id, [seat]);
  await age(lapsed.id);
  const taken = await reserve(second, show.id, [seat]);
  expect(taken).toMatchObject({ __typename: 'Reservation', status: 'HELD' });
  expect(await statusOf(first, lapsed.id)).toBe('EXPIRED');
  expect(await statusOf(second, taken.id)).toBe('HELD');
  expect(await pay(first, lapsed.id)).toMatchObject({ code: 'HOLD_EXPIRED' });
});

it('a hold that lapses is AVAILABLE by itself, and whoever watches the seats hears of it', async () => {
  const show = await makeShow(operator);
  const buyer = await world.buyer();
  const feed = buyer
    .at(world.urls[1] as string)
    .watch('subscription ($show: ID!) { seatChanges(showId: $show) { seats { id status revision } } }', {
      show: show.id,
    });
  await new Promise((resolve) => setTimeout(resolve, 300));
  const reservation = await reserve(buyer, show.id, [show.seats[0] as string]);
  await age(reservation.id);
  const seen = (await buyer.get(SEATS, { show: show.id })).seatMap[0];
  expect(seen).toMatchObject({ status: 'AVAILABLE', revision: 2 });
  const freed = await feed.until((event: Data) => event.seatChanges.seats[0]?.status === 'AVAILABLE');
  expect(freed.seatChanges.seats).toEqual([{ id: show.seats[0], status: 'AVAILABLE', revision: 2 }]);
  await eventually(
    async () => (await world.pool.query('select from hold where show_id = $1', [show.id])).rowCount === 0,
  );
  expect((await buyer.get(SEATS, { show: show.id })).seatMap[0]).toEqual(seen);
  await feed.close();
});

it('revisions only go up, whether a lapse was swept or taken over in place', async () => {
  const show = await makeShow(operator);
  const [first, second] = (await world.buyers(2)) as [Buyer, Buyer];
  const seat = show.seats[0] as string;
  const revision = async (): Promise<number> => (await first.get(SEATS, { show: show.id })).seatMap[0].revision;
  const seen = [await revision()];
  const lapsed = await reserve(first, show.id, [seat]);
  seen.push(await revision());
  await age(lapsed.id);
  seen.push(await revision());
  const held = await reserve(second, show.id, [seat]);
  seen.push(await revision());
  await second.get(RELEASE, { id: held.id });
  seen.push(await revision());
  expect(seen).toEqual([0, 1, 2, 3, 4]);
});

it('statuses follow the clock also in the filter of my reservations', async () => {
  const show = await makeShow(operator);
  const buyer = await world.buyer();
  const reservation = await reserve(buyer, show.id, [show.seats[0] as string]);
  const listed = async (status: string): Promise<Data[]> => (await buyer.get(MINE, { status })).reservations.edges;
  expect([(await listed('HELD')).length, (await listed('EXPIRED')).length]).toEqual([1, 0]);
  await age(reservation.id);
  expect([(await listed('HELD')).length, (await listed('EXPIRED')).length]).toEqual([0, 1]);
});

it('releasing gives the seats back; again, or after a lapse, it answers the reservation as it is', async () => {
  const show = await makeShow(operator);
  const [buyer, rival] = (await world.buyers(2, 10_000)) as [Buyer, Buyer];
  const reservation = await reserve(buyer, show.id, show.seats.slice(0, 2));
  const release = async (id: string): Promise<Data> => (await buyer.get(RELEASE, { id })).releaseReservation;
  expect(await release(reservation.id)).toMatchObject({
    status: 'RELEASED',
    seats: [{ status: 'AVAILABLE' }, { status: 'AVAILABLE' }],
  });
  const taken = await reserve(rival, show.id, show.seats.slice(0, 2));
  expect(await release(reservation.id)).toMatchObject({
    status: 'RELEASED',
    seats: [{ status: 'HELD' }, { status: 'HELD' }],
  });
  expect(await statusOf(rival, taken.id)).toBe('HELD');
  const lapsed = await reserve(buyer, show.id, [show.seats[5] as string]);
  await age(lapsed.id);
  expect(await release(lapsed.id)).toMatchObject({ status: 'EXPIRED' });
  await pay(rival, taken.id);
  expect((await rival.get(RELEASE, { id: taken.id })).releaseReservation).toEqual({ code: 'NOT_CANCELLABLE' });
  expect(await statusOf(rival, taken.id)).toBe('CONFIRMED');
});

it("another user's reservation is null to read and NOT_FOUND to act on, and stays as it is", async () => {
  const show = await makeShow(operator);
  const [owner, other] = (await world.buyers(2, 10_000)) as [Buyer, Buyer];
  const { id } = await reserve(owner, show.id, [show.seats[0] as string]);
  expect((await other.get('query ($id: ID!) { reservation(id: $id) { id } }', { id })).reservation).toBeNull();
  expect(await other.fail(RELEASE, { id })).toBe('NOT_FOUND');
  expect(
    await other.fail('mutation ($input: PayInput!) { pay(input: $input) { __typename } }', {
      input: { reservationId: id, idempotencyKey: 'k' },
    }),
  ).toBe('NOT_FOUND');
  expect(await other.fail(RELEASE, { id: 'no id' })).toBe('BAD_USER_INPUT');
  expect(await statusOf(owner, id)).toBe('HELD');
  const { rowCount } = await world.pool.query('select from payment where reservation_id = $1', [id]);
  expect(rowCount).toBe(0);
});
