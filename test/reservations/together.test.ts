import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeShow, RESERVATION, reserve } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open({ processes: 1, preload: './count-sql.ts' });
  operator = await world.operator();
});
afterAll(() => world.close());

const typesOf = (answers: Data[]): string[] => answers.map(({ __typename }) => __typename);
const each = (buyers: Buyer[], showId: string, seats: readonly (readonly string[])[]): Promise<Data[]> =>
  Promise.all(buyers.map((buyer, index) => reserve(buyer, showId, [...(seats[index] ?? [])])));

async function holdsOf(showId: string): Promise<{ userId: string; seatId: string }[]> {
  const text = 'select user_id as "userId", seat_id as "seatId" from hold where show_id = $1';
  return (await world.pool.query(text, [showId])).rows;
}

it('100 who each want other seats of one show share transactions, and each holds what they asked for and no more', async () => {
  const show = await makeShow(operator, { seatCount: 200 });
  const buyers = await world.buyers(100);
  const wanted = buyers.map((_, index) => [...show.seats.slice(2 * index, 2 * index + 2)].reverse());
  const messages = world.processes[0]?.messages ?? [];
  const before = messages.length;
  const answers = await each(buyers, show.id, wanted);
  const paidFor = answers.map(({ seats, amount }) => [seats.map(({ id }: Data) => id), amount]);
  expect(paidFor).toEqual(wanted.map((ids) => [[...ids].reverse(), 2_000]));
  const byUser = Map.groupBy(await holdsOf(show.id), ({ userId }) => userId);
  expect(byUser.size).toBe(100);
  for (const [index, { id }] of buyers.entries()) {
    expect(byUser.get(id)?.map(({ seatId }) => seatId)).toEqual(expect.arrayContaining(wanted[index] as string[]));
    expect(byUser.get(id)).toHaveLength(2);
  }
  // What was sent is told over a channel of its own, which may be behind the answers.
  await sleep(100);
  const inserts = messages.slice(before).filter(({ value }) => String(value).startsWith('insert into "reservation"'));
  expect(inserts.length).toBeLessThan(50);
});

it('a seat that somebody else has locked holds up only who wants it, and who waits has it in the end', async () => {
  const show = await makeShow(operator);
  const buyers = await world.buyers(20);
  const [locker, mine, others] = [await world.pool.connect(), show.seats[0] as string, show.seats.slice(1, 20)];
  try {
    await locker.query('begin');
    await locker.query('select from seat where id = $1 for update', [mine]);
    const waiting = reserve(buyers[0] as Buyer, show.id, [mine]);
    const answers = await each(
      buyers.slice(1),
      show.id,
      others.map((id) => [id]),
    );
    expect(new Set(typesOf(answers))).toEqual(new Set(['Reservation']));
    expect((await holdsOf(show.id)).some(({ seatId }) => seatId === mine)).toBe(false);
    await locker.query('rollback');
    expect(await waiting).toMatchObject({ __typename: 'Reservation', seats: [{ id: mine }] });
  } finally {
    locker.release();
  }
});

it('a fault at one seat is a fault only for who wants it', async () => {
  const show = await makeShow(operator);
  const cursed = show.seats[7] as string;
  await world.pool.query(
    `create function refuse_hold() returns trigger language plpgsql as $$ begin raise 'cursed'; end $$`,
  );
  await world.pool.query(
    `create trigger refuse_hold before insert on hold for each row when (new.seat_id = '${cursed}') execute function refuse_hold()`,
  );
  const query = `mutation ($input: ReserveInput!) { reserve(input: $input) { ${RESERVATION} } }`;
  const answers = await Promise.all(
    (await world.buyers(20)).map((buyer, index) =>
      buyer.ask(query, { input: { showId: show.id, seatIds: [show.seats[index]] } }),
    ),
  );
  await world.pool.query('drop trigger refuse_hold on hold');
  const failed = answers.map(({ errors }) => errors?.[0]?.extensions.code);
  expect(failed).toEqual(answers.map((_, index) => (index === 7 ? 'INTERNAL_SERVER_ERROR' : undefined)));
  expect(await holdsOf(show.id)).toHaveLength(19);
});

it('wishes that touch each other get what they could have had one after another', async () => {
  const show = await makeShow(operator, { seatCount: 200 });
  for (let round = 0; round < 20; round++) {
    const [one, two, three] = (await world.buyers(3)) as [Buyer, Buyer, Buyer];
    const [a, b, c, d] = show.seats.slice(4 * round, 4 * round + 4) as [string, string, string, string];
    const buyers = [one, two, three, one, one];
    const wanted = [[a, b], [b, c], [c], [b, a], [d]];
    const answers = await each(buyers, show.id, wanted);
    const held = new Map((await holdsOf(show.id)).map(({ seatId, userId }) => [seatId, userId]));
    for (const [index, { __typename, seatIds }] of answers.entries()) {
      const mine = (seat: string): boolean => held.get(seat) === buyers[index]?.id;
      if (__typename === 'Reservation') expect(wanted[index]?.every(mine)).toBe(true);
      else expect(seatIds.some((seat: string) => held.has(seat) && !mine(seat))).toBe(true);
    }
    expect([answers[3]?.__typename, answers[3]?.id]).toEqual([answers[0]?.__typename, answers[0]?.id]);
    expect(answers[4]?.__typename).toBe('Reservation');
    expect([held.get(b) === one.id, held.get(c) === three.id]).not.toEqual([false, true]);
  }
});

it('what one user asks for at once counts together against the limit', async () => {
  const show = await makeShow(operator);
  const buyer = await world.buyer();
  const wanted = [0, 1, 2, 3].map((n) => show.seats.slice(3 * n, 3 * n + 3));
  const answers = await each(
    wanted.map(() => buyer),
    show.id,
    wanted,
  );
  const refused = answers.filter(({ code }) => code === 'TOO_MANY_SEATS');
  expect([refused.length, (await holdsOf(show.id)).length]).toEqual([2, 6]);
});

it('what one user picks and has picked for them at once counts together against the limit', async () => {
  const query = `mutation ($input: ReserveBestInput!) { reserveBest(input: $input) { ${RESERVATION} } }`;
  const show = await makeShow(operator, { seatCount: 1_000 });
  for (let round = 0; round < 20; round++) {
    const buyer = await world.buyer();
    const mine = show.seats.slice(-8 * (round + 1)).slice(0, 8);
    await Promise.all([
      reserve(buyer, show.id, mine),
      buyer.get(query, { input: { showId: show.id, count: 8 } }),
      reserve(buyer, show.id, mine.slice(0, 1)),
    ]);
    const held = (await holdsOf(show.id)).filter(({ userId }) => userId === buyer.id);
    expect(held).toHaveLength(8);
  }
});

it('wishes for the best seats that cannot be met leave what they would have had to the others', async () => {
  const query = `mutation ($input: ReserveBestInput!) { reserveBest(input: $input) { ${RESERVATION} } }`;
  for (let round = 0; round < 10; round++) {
    const show = await makeShow(operator, { seatCount: 16 });
    const [full, other] = (await world.buyers(2)) as [Buyer, Buyer];
    await reserve(full, show.id, show.seats.slice(0, 8));
    const ask = (buyer: Buyer): Promise<Data> => buyer.get(query, { input: { showId: show.id, count: 8 } });
    const [refused, held] = await Promise.all([ask(full), ask(other)]);
    expect([refused.reserveBest.code, held.reserveBest.__typename]).toEqual(['TOO_MANY_SEATS', 'Reservation']);
  }
});
