import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeShow, reserve } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

const typeOf = (answer: Data): string => answer.__typename;
const at = (buyers: Buyer[], processes: number): Buyer[] =>
  buyers.map((buyer, index) => buyer.at(world.urls[index % processes] as string));

async function countRows(table: string, showId: string): Promise<number> {
  const { rows } = await world.pool.query(`select count(*)::int as n from ${table} where show_id = $1`, [showId]);
  return rows[0].n;
}

describe.each([1, 2])('with %i processes', (processes) => {
  it.each([10, 200])('of %i buyers who reserve one seat at once exactly one gets it', async (count) => {
    const show = await makeShow(operator);
    const seat = show.seats[0] as string;
    const buyers = at(await world.buyers(count), processes);
    const answers = await Promise.all(buyers.map((buyer) => reserve(buyer, show.id, [seat])));
    expect(answers.filter((answer) => typeOf(answer) === 'Reservation')).toHaveLength(1);
    const refused = answers.filter((answer) => typeOf(answer) === 'SeatsUnavailable');
    expect(refused).toHaveLength(count - 1);
    for (const { seatIds, code } of refused)
      expect({ seatIds, code }).toEqual({ seatIds: [seat], code: 'SEATS_UNAVAILABLE' });
    expect([await countRows('reservation', show.id), await countRows('hold', show.id)]).toEqual([1, 1]);
  });

  it('two who want the same three seats in opposite order: one wins each time, without a deadlock', async () => {
    const show = await makeShow(operator, { seatCount: 300 });
    for (let round = 0; round < 100; round++) {
      const [one, other] = at(await world.buyers(2), processes) as [Buyer, Buyer];
      const seats = show.seats.slice(3 * round, 3 * round + 3);
      const answers = await Promise.all([reserve(one, show.id, seats), reserve(other, show.id, [...seats].reverse())]);
      expect(answers.map(typeOf).sort()).toEqual(['Reservation', 'SeatsUnavailable']);
    }
    // Deadlocks are counted by World.close.
    expect(await countRows('hold', show.id)).toBe(300);
  });

  it('one user who reserves twice eight different seats at once gets eight', async () => {
    const show = await makeShow(operator);
    const [buyer] = await world.buyers(1);
    const [here, there] = at([buyer as Buyer, buyer as Buyer], processes) as [Buyer, Buyer];
    const answers = await Promise.all([
      reserve(here, show.id, show.seats.slice(0, 8)),
      reserve(there, show.id, show.seats.slice(8, 16)),
    ]);
    expect(answers.map(({ __typename, code }) => code ?? __typename).sort()).toEqual(['Reservation', 'TOO_MANY_SEATS']);
    expect(await countRows('hold', show.id)).toBe(8);
  });
});

it('all seats are held or none: one that is taken refuses the rest and is named', async () => {
  const show = await makeShow(operator);
  const [first, second] = (await world.buyers(2)) as [Buyer, Buyer];
  await reserve(first, show.id, [show.seats[1] as string]);
  const answer = await reserve(second, show.id, show.seats.slice(0, 3));
  expect(answer).toMatchObject({ __typename: 'SeatsUnavailable', seatIds: [show.seats[1]] });
  expect(await countRows('hold', show.id)).toBe(1);
});

it('asking again for exactly the seats of my hold answers the same reservation, not prolonged', async () => {
  const show = await makeShow(operator);
  const buyer = await world.buyer();
  const first = await reserve(buyer, show.id, show.seats.slice(0, 8));
  const again = await reserve(buyer.at(world.urls[1] as string), show.id, show.seats.slice(0, 8).reverse());
  expect(again).toEqual(first);
  expect(await countRows('reservation', show.id)).toBe(1);
});

it('any other overlap with seats that I hold is refused like seats of others', async () => {
  const show = await makeShow(operator);
  const buyer = await world.buyer();
  await reserve(buyer, show.id, show.seats.slice(0, 3));
  expect(await reserve(buyer, show.id, show.seats.slice(0, 2))).toMatchObject({
    __typename: 'SeatsUnavailable',
    seatIds: expect.arrayContaining(show.seats.slice(0, 2)),
  });
  expect(await reserve(buyer, show.id, show.seats.slice(2, 4))).toMatchObject({ seatIds: [show.seats[2]] });
  expect(await countRows('hold', show.id)).toBe(3);
});

it('more seats than one user may have are refused before taken seats are looked at', async () => {
  const show = await makeShow(operator);
  const [first, second] = (await world.buyers(2)) as [Buyer, Buyer];
  await reserve(first, show.id, show.seats.slice(0, 8));
  expect(await reserve(second, show.id, show.seats.slice(0, 9))).toMatchObject({ code: 'TOO_MANY_SEATS' });
  expect(await reserve(first, show.id, [show.seats[20] as string])).toMatchObject({ code: 'TOO_MANY_SEATS' });
});

it('outside the sale nothing is held, and the answer says when the sale is', async () => {
  const salesOpenAt = new Date(Date.now() + 3_600_000).toISOString();
  const show = await makeShow(operator, { salesOpenAt });
  const buyer = await world.buyer();
  const answer = await reserve(buyer, show.id, show.seats.slice(0, 1));
  expect(answer).toMatchObject({ __typename: 'SaleClosed', code: 'SALE_CLOSED', salesOpenAt });
  expect(await countRows('hold', show.id)).toBe(0);
});

const RESERVE = 'mutation ($input: ReserveInput!) { reserve(input: $input) { __typename } }';

it('seats that cannot be meant are BAD_USER_INPUT, and nothing is held', async () => {
  const [show, other] = [await makeShow(operator), await makeShow(operator)];
  const buyer = await world.buyer();
  const [one, two] = show.seats as [string, string];
  const unknown = '01890000-0000-7000-8000-000000000000';
  for (const seatIds of [
    [],
    [one, one],
    [one, one.toUpperCase()],
    ['x'],
    [one, ''],
    [one, other.seats[0]],
    [two, unknown],
    [show.id],
  ]) {
    expect(await buyer.fail(RESERVE, { input: { showId: show.id, seatIds } })).toBe('BAD_USER_INPUT');
  }
  expect(await buyer.fail(RESERVE, { input: { showId: 'no id', seatIds: [one] } })).toBe('BAD_USER_INPUT');
  expect(await buyer.fail(RESERVE, { input: { showId: unknown, seatIds: [one] } })).toBe('NOT_FOUND');
  expect(await countRows('hold', show.id)).toBe(0);
});
