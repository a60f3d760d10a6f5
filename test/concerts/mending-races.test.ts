import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeShow, pay, reserve, violationsOf } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { sellWhileWithdrawn } from '../support/withdrawn.ts';
import { World } from '../support/world.ts';

const UPDATE = 'mutation ($input: UpdateShowInput!) { updateShow(input: $input) { __typename } }';
const SEATS = 20;

let world: World;
let operator: Buyer;

/** Two processes, with a module of test/support loaded first, for the tests of a block. */
function openFor(options: { preload?: string } = {}): void {
  beforeAll(async () => {
    world = await World.open(options);
    operator = await world.operator();
  });
  afterAll(() => world.close());
}

async function release(buyer: Buyer, id: string): Promise<void> {
  await buyer.get('mutation ($id: ID!) { releaseReservation(id: $id) { __typename } }', { id });
}

/** Lets the hold of a reservation lapse; a sweep, or who wants its seats, finds it so. */
async function lapse(id: string): Promise<void> {
  const expired = `set expires_at = clock_timestamp() - interval '1 second'`;
  await world.pool.query(
    `with r as (update reservation ${expired} where id = $1) update hold ${expired} where reservation_id = $1`,
    [id],
  );
}

/**
 * Lets buyers at both processes reserve pairs of seats, one of each section, while both sections get another price.
 * @returns what each pair costs; and how many seats that are held cost something else than their reservation says
 */
async function reservedWhileRepriced(): Promise<{ amounts: number[]; wrong: number }> {
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

describe('over two processes', () => {
  openFor();

  it('who reserves while the prices change pays the old ones or the new ones, and what is held keeps its price', async () => {
    const amounts: number[] = [];
    for (let round = 0; round < 5; round++) {
      const reserved = await reservedWhileRepriced();
      expect(reserved.wrong).toBe(0);
      amounts.push(...reserved.amounts);
    }
    expect([...new Set(amounts)].filter((amount) => ![1_500, 7_300].includes(amount))).toEqual([]);
    expect(await violationsOf(operator)).toEqual({});
  });

  it('prices that change again and again are those of one moment for each pair that is held, released, lapsed or paid for', async () => {
    const section = { seatCount: 60, seatsPerRow: 60 };
    const priceOf = (round: number): number[] => [1_000 + round, 500 - round];
    const sections = ['A', 'B'].map((name, index) => ({ ...section, name, price: priceOf(0)[index] as number }));
    const show = await makeShow(operator, { sections });
    const amounts: number[] = [];
    const buying = async (buyer: Buyer, index: number): Promise<void> => {
      for (let turn = 0; turn < 6; turn++) {
        const pair = [show.seats[index * 2 + (turn % 2)], show.seats[60 + index * 2 + (turn % 2)]] as string[];
        const { id, amount } = await reserve(buyer.at(world.urls[(index + turn) % 2] as string), show.id, pair);
        amounts.push(amount);
        if (turn === 5) expect(await pay(buyer, id)).toMatchObject({ status: 'COMPLETED', amount });
        else if (turn % 2 === 0) await release(buyer, id);
        else await lapse(id);
      }
    };
    const mending = async (): Promise<void> => {
      for (let round = 1; round <= 6; round++) {
        const prices = ['A', 'B'].map((name, index) => ({ section: name, price: priceOf(round)[index] }));
        await operator.at(world.urls[round % 2] as string).get(UPDATE, { input: { id: show.id, prices } });
      }
    };
    await Promise.all([...(await world.buyers(30, 10_000)).map(buying), mending()]);
    expect(amounts).toHaveLength(180);
    expect(amounts.filter((amount) => amount !== 1_500)).toEqual([]);
    const { rows } = await world.pool.query(
      `select r.seat_prices as prices, array_agg(s.price order by s.number) as now
       from reservation r join seat s on s.id = any(r.seat_ids) where r.show_id = $1 and r.status = 'CONFIRMED' group by r.id`,
      [show.id],
    );
    const isOfOneRound = ([a, b]: string[]): boolean => Number(a) - 1_000 === 500 - Number(b);
    expect(rows.filter(({ prices, now }) => !isOfOneRound(prices) || String(prices) !== String(now))).toEqual([]);
    expect(rows).toHaveLength(30);
    expect(await violationsOf(operator)).toEqual({});
  });

  it('of a concert that is withdrawn nothing is held or sold afterwards, also by who was reserving or paying', async () => {
    const answers = new Set<string>();
    for (let round = 0; round < 5; round++) {
      const { answer, sold } = await sellWhileWithdrawn(world, operator);
      expect(sold).toBe(0);
      answers.add(answer.__typename);
    }
    expect([...answers].filter((name) => name !== 'Concert' && name !== 'SeatsSold')).toEqual([]);
    expect(await violationsOf(operator)).toEqual({});
  });
});

describe('without the locks of show and seats', () => {
  openFor({ preload: './without-hall-locks.ts' });

  it('what is held gets another price: the test of the guard can fail', async () => {
    let wrong = 0;
    for (let round = 0; round < 40 && wrong === 0; round++) {
      wrong = (await reservedWhileRepriced().catch(() => ({ wrong: 0 }))).wrong;
    }
    expect(wrong).toBeGreaterThan(0);
  });

  it('a withdrawn concert is sold: the test of the guard can fail', async () => {
    let sold = 0;
    for (let round = 0; round < 40 && sold === 0; round++) sold = (await sellWhileWithdrawn(world, operator)).sold;
    expect(sold).toBeGreaterThan(0);
  });
});
