import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeShow, RESERVATION, reserve } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open({ env: { SEATS_PER_USER: '20' } });
  operator = await world.operator();
});
afterAll(() => world.close());

const BEST = `mutation ($input: ReserveBestInput!) { reserveBest(input: $input) { ${RESERVATION} } }`;
const best = async (buyer: Buyer, input: object): Promise<Data> => (await buyer.get(BEST, { input })).reserveBest;
const labels = (reservation: Data): string[] => reservation.seats.map((seat: Data) => seat.label);

it('seats are picked together, in the row nearest the front, nearest its middle', async () => {
  const show = await makeShow(operator, { seatCount: 30 });
  const buyer = await world.buyer();
  expect(labels(await best(buyer, { showId: show.id, count: 2 }))).toEqual(['A5', 'A6']);
  expect(labels(await best(buyer, { showId: show.id, count: 4 }))).toEqual(['A1', 'A2', 'A3', 'A4']);
  expect(labels(await best(buyer, { showId: show.id, count: 5 }))).toEqual(['B3', 'B4', 'B5', 'B6', 'B7']);
  expect(labels(await best(buyer, { showId: show.id, count: 1 }))).toEqual(['A7']);
});

it('where no row has them together, the groups are as few as can be', async () => {
  const show = await makeShow(operator, { seatCount: 30 });
  const [buyer, rival] = (await world.buyers(2)) as [Buyer, Buyer];
  const taken = [2, 5, 8, 13, 16, 19, 22, 25].map((number) => show.seats[number] as string);
  await reserve(rival, show.id, taken);
  // Free runs: A1-2 A4-5 A7-8 A10 B1-3 B5-6 B8-9 C1-2 C4-5 C7-10.
  expect(labels(await best(buyer, { showId: show.id, count: 6 }))).toEqual(['A4', 'A5', 'C7', 'C8', 'C9', 'C10']);
});

it('a section keeps the pick inside it, and numbers and labels say where one sits', async () => {
  const sections = [
    { name: 'Stalls', seatCount: 20, seatsPerRow: 10, price: 2_000 },
    { name: 'Balcony', seatCount: 9, seatsPerRow: 6, price: 500 },
  ];
  const show = await makeShow(operator, { sections });
  const buyer = await world.buyer();
  const reservation = await best(buyer, { showId: show.id, count: 3, section: 'Balcony' });
  expect(labels(reservation)).toEqual(['Balcony-A2', 'Balcony-A3', 'Balcony-A4']);
  expect(reservation).toMatchObject({ amount: 1_500, seats: [{ number: 22 }, { number: 23 }, { number: 24 }] });
  expect(await best(buyer, { showId: show.id, count: 7, section: 'Balcony' })).toMatchObject({
    __typename: 'SeatsUnavailable',
    seatIds: [],
  });
  expect(await best(buyer, { showId: show.id, count: 1, section: 'Nowhere' })).toMatchObject({
    __typename: 'SeatsUnavailable',
  });
});

it('with a key, asking again answers the same reservation; with other input it is a conflict; without, another one', async () => {
  const show = await makeShow(operator);
  const buyer = await world.buyer();
  const input = { showId: show.id, count: 2, idempotencyKey: 'my key' };
  const answers = await Promise.all(world.urls.flatMap((url) => [1, 2, 3].map(() => best(buyer.at(url), input))));
  expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
  expect(await best(buyer, { ...input, count: 3 })).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' });
  const another = await best(buyer, { showId: show.id, count: 2 });
  expect(another.id).not.toBe(answers[0].id);
  const { rowCount } = await world.pool.query('select from hold where show_id = $1', [show.id]);
  expect(rowCount).toBe(4);
});

it('a count that cannot be is BAD_USER_INPUT; more than one user may have is TOO_MANY_SEATS', async () => {
  const show = await makeShow(operator);
  const buyer = await world.buyer();
  for (const count of [0, -1])
    expect(await buyer.fail(BEST, { input: { showId: show.id, count } })).toBe('BAD_USER_INPUT');
  expect(await best(buyer, { showId: show.id, count: 21 })).toMatchObject({ code: 'TOO_MANY_SEATS' });
  const tooMany = `mutation { reserveBest(input: { showId: "${show.id}", count: 21 }) { ... on Problem { message } } }`;
  expect((await buyer.get(tooMany)).reserveBest.message).toMatch(/: at most \d+\.$/);
});

describe.each([1, 2])('with %i processes', (processes) => {
  it('60 buyers who want the best seat of 50 at once get 50 different ones, and 10 get none', async () => {
    const show = await makeShow(operator);
    const buyers = (await world.buyers(60)).map((buyer, index) => buyer.at(world.urls[index % processes] as string));
    const answers = await Promise.all(buyers.map((buyer) => best(buyer, { showId: show.id, count: 1 })));
    const held = answers.filter(({ __typename }) => __typename === 'Reservation').flatMap(labels);
    expect(new Set(held).size).toBe(50);
    const refused = answers.filter(({ __typename }) => __typename === 'SeatsUnavailable');
    expect(refused.map(({ seatIds }) => seatIds)).toEqual(Array.from({ length: 10 }, () => []));
  });
});
