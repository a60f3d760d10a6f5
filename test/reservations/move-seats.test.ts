import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  balanceOf,
  cancelPayment,
  cancelShow,
  eventually,
  type MadeShow,
  MOVE_SEATS,
  makeShow,
  moveSeats,
  pay,
  refundPayment,
  reserve,
  violationsOf,
} from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { typesOf } from '../support/events.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

/** Two seats of ten, numbers 1 and 2, bought for 1,000 each; the last four cost 700. */
async function bought(buyer: Buyer): Promise<{ show: MadeShow; reservation: Data; payment: Data }> {
  const sections = [
    { name: 'Floor', seatCount: 6, price: 1_000 },
    { name: 'Balcony', seatCount: 4, price: 700 },
  ];
  const show = await makeShow(operator, { sections });
  const reservation = await reserve(buyer, show.id, show.seats.slice(0, 2));
  return { show, reservation, payment: await pay(buyer, reservation.id) };
}

async function ticketsOf(show: MadeShow): Promise<{ seat: string; id: string }[]> {
  const text = 'select seat_id as seat, id from ticket where show_id = $1 order by seat_id';
  return (await world.pool.query(text, [show.id])).rows;
}

it('a seat is exchanged for a free one: the old one is on sale again, the ticket is another, watchers see both', async () => {
  const [buyer, watcher] = (await world.buyers(2, 5_000)) as [Buyer, Buyer];
  const { show, reservation, payment } = await bought(buyer);
  const [first, second, third] = show.seats as [string, string, string];
  const before = await ticketsOf(show);
  const query = 'subscription ($id: ID!) { seatChanges(showId: $id) { seats { number status } } }';
  const feed = watcher.watch(query, { id: show.id });
  await eventually(async () => (await world.redis.pubsub('NUMSUB', `onsale:seats:${show.id}`))[1] !== 0);
  expect(await moveSeats(operator, reservation.id, { [first]: third })).toEqual({
    ...{ __typename: 'Reservation', id: reservation.id, status: 'CONFIRMED', amount: 2_000 },
    seatPrices: [1_000, 1_000],
    seats: [{ id: second }, { id: third }],
  });
  const { seatChanges } = await feed.until(() => true);
  const changes = seatChanges.seats.map(({ number, status }: Data) => `${number} ${status}`);
  expect(changes.sort()).toEqual(['1 AVAILABLE', '3 SOLD']);
  await feed.close();
  const after = await ticketsOf(show);
  expect(after.map(({ seat }) => seat)).toEqual([second, third].sort());
  const kept = before.find(({ seat }) => seat === second);
  expect(after.find(({ seat }) => seat === second)).toEqual(kept);
  expect(before.map(({ id }) => id)).not.toContain(after.find(({ seat }) => seat === third)?.id);
  expect(await reserve(watcher, show.id, [first])).toMatchObject({ status: 'HELD' });
  expect(await typesOf(world.pool, reservation.id)).toEqual([
    'reservation.held.v1',
    'reservation.confirmed.v1',
    'reservation.moved.v1',
  ]);
  expect(await balanceOf(buyer)).toBe(3_000);
  expect(await refundPayment(buyer, payment.id, { seatIds: [first] })).toMatchObject({ code: 'NOT_REFUNDABLE' });
  expect(await refundPayment(buyer, payment.id, { seatIds: [third] })).toMatchObject({ refunded: 1_000 });
  expect(await violationsOf(operator)).toEqual({});
});

it('taken seats, another price, seats that the reservation does not have and one that is not paid are refused; nothing moves', async () => {
  const [buyer, other] = (await world.buyers(2, 9_000)) as [Buyer, Buyer];
  const { show, reservation } = await bought(buyer);
  const [first, second, third, fourth, fifth, , cheap] = show.seats as string[] as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const held = await reserve(other, show.id, [third]);
  await pay(other, (await reserve(other, show.id, [fourth])).id);
  const tickets = await ticketsOf(show);
  const cases: [Record<string, string>, string, string[]][] = [
    [{ [first]: third, [second]: fifth }, 'SEATS_UNAVAILABLE', [third]],
    [{ [first]: fourth }, 'SEATS_UNAVAILABLE', [fourth]],
    [{ [first]: cheap, [second]: fifth }, 'NOT_MOVABLE', [cheap]],
    [{ [fourth]: fifth }, 'NOT_MOVABLE', [fourth]],
  ];
  for (const [moves, code, seatIds] of cases) {
    expect(await moveSeats(operator, reservation.id, moves)).toMatchObject({ code, seatIds });
  }
  expect(await moveSeats(operator, held.id, { [third]: fifth })).toMatchObject({
    code: 'NOT_MOVABLE',
    seatIds: [third],
  });
  expect(await ticketsOf(show)).toEqual(tickets);
});

it('a price that was changed since does not matter: what was paid does', async () => {
  const buyer = await world.buyer(5_000);
  const { show, reservation } = await bought(buyer);
  const [first, , third] = show.seats as [string, string, string];
  await world.pool.query('update seat set price = 1200 where id = any($1)', [[first, third]]);
  expect(await moveSeats(operator, reservation.id, { [first]: third })).toMatchObject({ code: 'NOT_MOVABLE' });
  await world.pool.query('update seat set price = 1000 where id = $1', [third]);
  expect(await moveSeats(operator, reservation.id, { [first]: third })).toMatchObject({ status: 'CONFIRMED' });
});

it('seats of other shows, a seat named twice, and ids that are none are BAD_USER_INPUT, an unknown reservation NOT_FOUND', async () => {
  const buyer = await world.buyer(5_000);
  const { show, reservation } = await bought(buyer);
  const [first, second, third, fourth] = show.seats as [string, string, string, string];
  const foreign = (await makeShow(operator)).seats[0] as string;
  const unknown = '00000000-0000-7000-8000-000000000000';
  const cases: [string, { from: string; to: string }[], string, string | undefined][] = [
    [
      reservation.id,
      [
        { from: first, to: third },
        { from: second, to: foreign },
      ],
      'BAD_USER_INPUT',
      'input.moves[1].to',
    ],
    [
      reservation.id,
      [
        { from: first, to: third },
        { from: first, to: fourth },
      ],
      'BAD_USER_INPUT',
      'input.moves',
    ],
    [reservation.id, [{ from: first, to: first }], 'BAD_USER_INPUT', 'input.moves'],
    [reservation.id, [], 'BAD_USER_INPUT', 'input.moves'],
    [reservation.id, [{ from: 'x', to: third }], 'BAD_USER_INPUT', 'input.moves[0].from'],
    [unknown, [{ from: first, to: third }], 'NOT_FOUND', undefined],
  ];
  for (const [reservationId, moves, code, argument] of cases) {
    const { errors } = await operator.ask(MOVE_SEATS, { input: { reservationId, moves, idempotencyKey: 'bad' } });
    expect(errors?.[0]?.extensions).toMatchObject({ code, ...(argument && { argument }) });
  }
  expect((await ticketsOf(show)).map(({ seat }) => seat)).toEqual([first, second].sort());
});

it('the same key moves once; seats of a cancelled show are not moved', async () => {
  const buyer = await world.buyer(5_000);
  const { show, reservation } = await bought(buyer);
  const [first, second, third, fourth] = show.seats as [string, string, string, string];
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, index) =>
      moveSeats(operator.at(world.urls[index % 2] as string), reservation.id, { [first]: third }, 'one key'),
    ),
  );
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  expect(await moveSeats(operator, reservation.id, { [second]: fourth }, 'one key')).toMatchObject({
    code: 'IDEMPOTENCY_CONFLICT',
  });
  await cancelShow(operator, show.id);
  expect(await moveSeats(operator, reservation.id, { [second]: fourth })).toMatchObject({ code: 'SHOW_CANCELLED' });
});

it('many moves onto one free seat, reserves of it and cancellations at once, over both processes: one has it, nobody loses a won', async () => {
  for (let round = 0; round < 10; round++) {
    const [buyer, another, third] = (await world.buyers(3, 5_000)) as [Buyer, Buyer, Buyer];
    const { show, reservation, payment } = await bought(buyer);
    const [first, second, , fourth, fifth] = show.seats as [string, string, string, string, string];
    const other = await reserve(another, show.id, [fourth]);
    await pay(another, other.id);
    const [one, two] = world.urls as [string, string];
    const [mine, theirs, held] = await Promise.all([
      moveSeats(operator.at(one), reservation.id, { [first]: fifth }),
      moveSeats(operator.at(two), other.id, { [fourth]: fifth }),
      reserve(third.at(one), show.id, [fifth]),
      moveSeats(operator.at(two), reservation.id, { [second]: fourth }),
      cancelPayment(buyer.at(two), payment.id),
    ]);
    const won = [mine.status === 'CONFIRMED', theirs.status === 'CONFIRMED', held.status === 'HELD'].filter(Boolean);
    expect(won.length).toBeLessThanOrEqual(2);
    expect(await balanceOf(buyer)).toBe(5_000);
    expect(await ticketsOf(show)).toHaveLength(1);
  }
  expect(await violationsOf(operator)).toEqual({});
});
