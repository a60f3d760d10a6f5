import { afterAll, beforeAll, expect, it } from 'vitest';
import { admit, makeQueue, makeShow, RESERVATION, readToken, reserve } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { setEnds } from '../support/places.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

const RELEASE =
  'mutation ($id: ID!) { releaseReservation(id: $id) { ... on Reservation { status } ... on Problem { code } } }';
const BEST = `mutation ($show: ID!, $count: Int!) { reserveBest(input: { showId: $show, count: $count }) { ${RESERVATION} } }`;
const HOLD_MS = 300_000;

const there = (buyer: Buyer): Buyer => buyer.at(world.urls[1] as string);

async function release(buyer: Buyer, { id }: Data): Promise<void> {
  expect((await buyer.get(RELEASE, { id })).releaseReservation).toEqual({ status: 'RELEASED' });
}

/** How long the seats are held in all, as PostgreSQL has it, in milliseconds. */
const lengthOf = ({ createdAt, expiresAt }: Data): number => Date.parse(expiresAt) - Date.parse(createdAt);

it('seats that are released and held again in turns, at either process, are free when the first hold would have ended', async () => {
  const show = await makeShow(operator, { seatCount: 10 });
  const buyer = await world.buyer();
  const seats = show.seats.slice(0, 4);
  const first = await reserve(buyer, show.id, seats);
  expect(lengthOf(first)).toBe(HOLD_MS);

  let held = first;
  for (let turn = 0; turn < 3; turn++) {
    await release(buyer, held);
    held = await reserve(there(buyer), show.id, seats);
    expect(held).toMatchObject({ status: 'HELD', expiresAt: first.expiresAt });
  }

  const { rows } = await world.pool.query('select distinct expires_at from hold where show_id = $1', [show.id]);
  expect(rows.map(({ expires_at }) => expires_at.toISOString())).toEqual([first.expiresAt]);
});

it('one seat of a released hold among others sets the end of them all; other seats are held for the full time', async () => {
  const show = await makeShow(operator, { seatCount: 10 });
  const buyer = await world.buyer();
  const [a, b, c, d] = show.seats as [string, string, string, string];
  const first = await reserve(buyer, show.id, [a, b]);
  await release(buyer, first);

  expect(await reserve(buyer, show.id, [b, c])).toMatchObject({ expiresAt: first.expiresAt });
  expect(lengthOf(await reserve(buyer, show.id, [d]))).toBe(HOLD_MS);
});

it('reserveBest that picks seats of a released hold keeps their end too', async () => {
  const show = await makeShow(operator, { seatCount: 2 });
  const buyer = await world.buyer();
  const first = await reserve(buyer, show.id, show.seats);
  await release(buyer, first);
  const { reserveBest } = await buyer.get(BEST, { show: show.id, count: 2 });
  expect(reserveBest).toMatchObject({ status: 'HELD', expiresAt: first.expiresAt });
});

it('reserveBest leaves out what the user has just released while other seats are free; nobody else does', async () => {
  const show = await makeShow(operator, { seatCount: 6 });
  const [buyer, other] = (await world.buyers(2)) as [Buyer, Buyer];
  const best = async (who: Buyer, count: number): Promise<Data> =>
    (await who.get(BEST, { show: show.id, count })).reserveBest;
  const first = await best(buyer, 2);
  await release(buyer, first);

  const second = await best(buyer, 2);
  expect(lengthOf(second)).toBe(HOLD_MS);
  const numbers = ({ seats }: Data): number[] => seats.map(({ number }: Data) => number);
  expect(numbers(second).filter((number) => numbers(first).includes(number))).toEqual([]);
  const [third] = [await best(other, 2)];
  expect([numbers(third), lengthOf(third)]).toEqual([numbers(first), HOLD_MS]);
});

it('another user holds the seats for the full time, after which the first one has no more than before', async () => {
  const show = await makeShow(operator, { seatCount: 2 });
  const [buyer, other] = (await world.buyers(2)) as [Buyer, Buyer];
  const first = await reserve(buyer, show.id, show.seats);
  await release(buyer, first);
  const between = await reserve(other, show.id, show.seats);
  expect(lengthOf(between)).toBe(HOLD_MS);
  await release(other, between);
  expect(await reserve(buyer, show.id, show.seats)).toMatchObject({ expiresAt: first.expiresAt });
});

it('once the end of the released hold is over, the seats can be held for the full time', async () => {
  const show = await makeShow(operator, { seatCount: 2 });
  const buyer = await world.buyer();
  const first = await reserve(buyer, show.id, show.seats);
  await release(buyer, first);
  await world.pool.query('update reservation set expires_at = clock_timestamp() where id = $1', [first.id]);
  expect(lengthOf(await reserve(buyer, show.id, show.seats))).toBe(HOLD_MS);
});

it('a token that holds again what it released is not ACTIVE for longer than the hold lasts', async () => {
  const queueId = await makeQueue(operator, { capacity: 1, activeSeconds: 60 });
  const show = await makeShow(operator, { seatCount: 2 }, queueId);
  const buyer = await admit(await world.buyer(), queueId);
  const first = await reserve(buyer, show.id, show.seats);
  await release(buyer, first);
  const until = Date.now() + 40_000;
  await setEnds(world, { buyer, value: buyer.queueToken as string }, { until, first: until });
  await world.pool.query(`update reservation set expires_at = now() + interval '30 s' where id = $1`, [first.id]);
  expect(await reserve(buyer, show.id, show.seats)).toMatchObject({ status: 'HELD' });
  const { activeUntil } = await readToken(buyer, buyer.queueToken as string);
  expect(Date.parse(activeUntil)).toBe(until);
});

it('whoever releases and holds at once, over two processes, gains no time either', async () => {
  const show = await makeShow(operator, { seatCount: 40 });
  const buyer = await world.buyer();
  for (let round = 0; round < 10; round++) {
    const seats = show.seats.slice(4 * round, 4 * round + 2);
    const first = await reserve(buyer, show.id, seats);
    const [, ...answers] = await Promise.all([
      release(buyer, first),
      ...[0, 1, 2, 3].map((index) => reserve(index % 2 ? buyer : there(buyer), show.id, seats)),
    ]);
    const held = answers.filter(({ __typename }) => __typename === 'Reservation');
    for (const { expiresAt } of held) expect(expiresAt).toBe(first.expiresAt);
    for (const { id, status } of held) if (status === 'HELD' && id !== first.id) await release(buyer, { id });
  }
});
