import { afterEach, expect, it } from 'vitest';
import { makeShow, reserve, violationsOf } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { sellWhileWithdrawn } from '../support/withdrawn.ts';
import { World } from '../support/world.ts';

const UPDATE = 'mutation ($input: UpdateShowInput!) { updateShow(input: $input) { __typename } }';
const SEATS = 20;

let world: World;
afterEach(() => world.close());

/**
 * Lets buyers at both processes reserve pairs of seats, one of each section, while both sections get another price.
 * @returns what each pair costs; and how many seats that are held cost something else than their reservation says
 */
async function reservedWhileRepriced(operator: Buyer): Promise<{ amounts: number[]; wrong: number }> {
  const section = { seatCount: SEATS, seatsPerRow: SEATS };
  const sections = [
    { ...section, name: 'A', price: 1_000 },
    { ...section, name: 'B', price: 500 },
  ];
  const show = await makeShow(operator, { sections });
  const buyers = await world.buyers(SEATS);
  const prices = [
    { section: 'A', price: 7_000 },
    { section: 'B', price: 300 },
  ];
  const reserving = buyers.map((buyer, index) =>
    reserve(buyer, show.id, [show.seats[index] as string, show.seats[SEATS + index] as string]),
  );
  const mending = operator.at(world.urls[1] as string).get(UPDATE, { input: { id: show.id, prices } });
  const [answers] = await Promise.all([Promise.all(reserving), mending]);
  const { rows } = await world.pool.query(
    `select from reservation r, unnest(r.seat_ids, r.seat_prices) as u (seat_id, price) join seat s on s.id = u.seat_id
     where r.show_id = $1 and s.price <> u.price`,
    [show.id],
  );
  return { amounts: answers.map(({ amount }: Data) => amount), wrong: rows.length };
}

it('who reserves while the prices change pays the old ones or the new ones, and what is held keeps its price', async () => {
  world = await World.open();
  const operator = await world.operator();
  const amounts: number[] = [];
  for (let round = 0; round < 10; round++) {
    const reserved = await reservedWhileRepriced(operator);
    expect(reserved.wrong).toBe(0);
    amounts.push(...reserved.amounts);
  }
  expect([...new Set(amounts)].filter((amount) => ![1_500, 7_300].includes(amount))).toEqual([]);
  expect(await violationsOf(operator)).toEqual({});
});

it('without the locks of show and seats what is held gets another price: the test of the guard can fail', async () => {
  world = await World.open({ preload: './without-hall-locks.ts' });
  const operator = await world.operator();
  let wrong = 0;
  for (let round = 0; round < 40 && wrong === 0; round++) {
    wrong = (await reservedWhileRepriced(operator).catch(() => ({ wrong: 0 }))).wrong;
  }
  expect(wrong).toBeGreaterThan(0);
});

it('of a concert that is withdrawn nothing is held or sold afterwards, also by who was reserving or paying', async () => {
  world = await World.open();
  const operator = await world.operator();
  const answers = new Set<string>();
  for (let round = 0; round < 10; round++) {
    const { answer, sold } = await sellWhileWithdrawn(world, operator);
    expect(sold).toBe(0);
    answers.add(answer.__typename);
  }
  expect([...answers].filter((name) => name !== 'Concert' && name !== 'SeatsSold')).toEqual([]);
  expect(await violationsOf(operator)).toEqual({});
});

it('without the locks of its shows a withdrawn concert is sold: the test of the guard can fail', async () => {
  world = await World.open({ preload: './without-hall-locks.ts' });
  const operator = await world.operator();
  let sold = 0;
  for (let round = 0; round < 40 && sold === 0; round++) sold = (await sellWhileWithdrawn(world, operator)).sold;
  expect(sold).toBeGreaterThan(0);
});
