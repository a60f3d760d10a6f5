import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  cancelPayment,
  charge,
  enter,
  eventually,
  makeQueue,
  makeShow,
  pay,
  refundPayment,
  reserve,
} from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { faultOf, readStream } from '../support/events.ts';
import { cancelOrder, makeOverdue, makeProduct, payOrder, placeOrder } from '../support/shop.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

/** The events of a subject in the stream, once there are so many. */
async function eventsOf(subject: string, count: number): Promise<Data[]> {
  let found: Data[] = [];
  await eventually(async () => {
    found = (await readStream(world.redis)).filter((event) => event.subject === subject);
    return found.length >= count;
  });
  return found;
}

const typesOf = (events: readonly Data[]): string[] => events.map(({ type }) => type);

it('a purchase and its refund are told in their order, each event as its schema says', async () => {
  const show = await makeShow(operator);
  const buyer = await world.buyer(5_000);
  const held = await reserve(buyer, show.id, [show.seats[0] as string]);
  const paid = await pay(buyer, held.id);
  await cancelPayment(buyer, paid.id);
  const ofReservation = await eventsOf(held.id, 2);
  const ofPayment = await eventsOf(paid.id, 3);
  expect(typesOf(ofReservation)).toEqual(['reservation.held.v1', 'reservation.confirmed.v1']);
  expect(typesOf(ofPayment)).toEqual(['payment.completed.v1', 'payment.refunded.v1', 'payment.cancelled.v1']);
  expect([...ofReservation, ...ofPayment].map(faultOf)).toEqual(Array.from({ length: 5 }, () => undefined));
  expect(ofPayment[0]?.data).toEqual({
    ...{ paymentId: paid.id, userId: buyer.id, reservationId: held.id, orderId: null },
    ...{ showId: show.id, amount: 1_000 },
  });
});

it('a refused payment is told, and nothing is confirmed', async () => {
  const show = await makeShow(operator);
  const buyer = await world.buyer();
  const held = await reserve(buyer, show.id, [show.seats[0] as string]);
  expect(await pay(buyer, held.id)).toMatchObject({ code: 'INSUFFICIENT_BALANCE' });
  await eventually(async () =>
    (await readStream(world.redis)).some(
      ({ type, data }) =>
        type === 'payment.failed.v1' && data.failure === 'INSUFFICIENT_BALANCE' && data.userId === buyer.id,
    ),
  );
  expect(typesOf(await eventsOf(held.id, 1))).toEqual(['reservation.held.v1']);
});

it('a hold that is released, and one that lapses, are told as such', async () => {
  const show = await makeShow(operator);
  const buyer = await world.buyer();
  const [released, lapsed] = [
    await reserve(buyer, show.id, [show.seats[0] as string]),
    await reserve(buyer, show.id, [show.seats[1] as string]),
  ];
  await buyer.get('mutation ($id: ID!) { releaseReservation(id: $id) { ... on Reservation { id } } }', {
    id: released.id,
  });
  for (const [table, column] of [
    ['hold', 'reservation_id'],
    ['reservation', 'id'],
  ]) {
    await world.pool.query(`update ${table} set expires_at = clock_timestamp() where ${column} = $1`, [lapsed.id]);
  }
  expect(typesOf(await eventsOf(released.id, 2))).toEqual(['reservation.held.v1', 'reservation.released.v1']);
  const events = await eventsOf(lapsed.id, 2);
  expect(typesOf(events)).toEqual(['reservation.held.v1', 'reservation.lapsed.v1']);
  expect(events.map(faultOf)).toEqual([undefined, undefined]);
});

it('orders and stock are told: placed and paid, cancelled, and not paid in time', async () => {
  const product = await makeProduct(operator, { stock: 10, price: 100 });
  const buyer = await world.buyer(1_000);
  const paid = await placeOrder(buyer, { [product]: 2 });
  await payOrder(buyer, paid.id);
  const cancelled = await placeOrder(buyer, { [product]: 1 });
  await cancelOrder(buyer, cancelled.id);
  const overdue = await placeOrder(buyer, { [product]: 3 });
  await makeOverdue(world.pool, overdue.id);
  expect(typesOf(await eventsOf(paid.id, 2))).toEqual(['order.placed.v1', 'order.paid.v1']);
  expect(typesOf(await eventsOf(cancelled.id, 2))).toEqual(['order.placed.v1', 'order.cancelled.v1']);
  expect(typesOf(await eventsOf(overdue.id, 2))).toEqual(['order.placed.v1', 'order.lapsed.v1']);
  const stocks = await eventsOf(product, 5);
  expect(stocks.map(({ data }) => data.stock)).toEqual([8, 7, 8, 5, 8]);
  const all = [...(await eventsOf(paid.id, 2)), ...(await eventsOf(overdue.id, 2)), ...stocks];
  expect(all.map(faultOf).filter((fault) => fault !== undefined)).toEqual([]);
});

it('a queue tells that it opened, was paused, resumed, closed and drained, each once', async () => {
  const id = await makeQueue(operator, { capacity: 1 });
  const change = 'mutation ($input: UpdateQueueInput!) { updateQueue(input: $input) { state } }';
  for (const state of ['PAUSED', 'PAUSED', 'OPEN', 'CLOSED']) await operator.get(change, { input: { id, state } });
  expect(typesOf(await eventsOf(id, 4))).toEqual([
    ...['queue.opened.v1', 'queue.paused.v1', 'queue.resumed.v1', 'queue.closed.v1'],
  ]);
  const entered = await makeQueue(operator, { capacity: 1 });
  const buyer = await world.buyer();
  const { value: token } = await enter(buyer, entered);
  await buyer.get('mutation ($token: ID!) { leaveQueue(token: $token) { status } }', { token });
  // A queue is ticked on for ten seconds after its last entry.
  await world.redis.zadd('onsale:live-queues', 1, entered, 1, id);
  expect(typesOf(await eventsOf(entered, 2))).toEqual(['queue.opened.v1', 'queue.drained.v1']);
  await eventually(async () => (await world.redis.zcard('onsale:live-queues')) === 0);
  // Nobody was ever in the first queue.
  expect(typesOf(await eventsOf(id, 4))).not.toContain('queue.drained.v1');
});

it.each([
  { what: 'refund', given: [1, 2] },
  { what: 'refund in part', given: [1] },
])(
  'a show is told to be sold out within two seconds of the last ticket, and again after a $what was sold anew',
  async ({ given }) => {
    const show = await makeShow(operator, { seatCount: 3 });
    const buyer = await world.buyer(10_000);
    const first = await pay(buyer, (await reserve(buyer, show.id, [show.seats[0] as string])).id);
    await eventsOf(first.id, 1);
    const second = await pay(buyer, (await reserve(buyer, show.id, show.seats.slice(1))).id);
    await eventually(async () => (await eventsOf(show.id, 1)).length === 1, 6_000);
    const seatIds = given.map((index) => show.seats[index] as string);
    await refundPayment(buyer, second.id, { seatIds });
    const notSoldOut = async (): Promise<boolean> =>
      (await world.pool.query('select from show where id = $1 and sold_out_at is null', [show.id])).rowCount === 1;
    await eventually(notSoldOut);
    await pay(buyer, (await reserve(buyer, show.id, seatIds)).id);
    const told = await eventsOf(show.id, 2);
    expect(typesOf(told)).toEqual(['show.sold_out.v1', 'show.sold_out.v1']);
    expect(told.map(faultOf)).toEqual([undefined, undefined]);
  },
);

it('the last ticket is judged also when it is committed while the show is being judged', async () => {
  const show = await makeShow(operator, { seatCount: 1 });
  const buyer = await world.buyer(1_000);
  const held = await reserve(buyer, show.id, [show.seats[0] as string]);
  const judging = await world.pool.connect();
  const note = (isNew: boolean): Promise<unknown> =>
    judging.query('update show set has_new_sales = $2 where id = $1', [show.id, isNew]);
  await note(true);
  await judging.query('begin');
  await note(false);
  await pay(buyer, held.id);
  // The relay waits for the judgement, or has passed it by.
  await eventually(async () => {
    const { rows } = await world.pool.query(
      `select (select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')
         + (select count(*) from outbox where aggregate = $1 and type = 'reservation.confirmed.v1' and shared_at is not null)
         as count`,
      [held.id],
    );
    return Number(rows[0]?.count) > 0;
  });
  await judging.query('commit');
  judging.release();
  expect(typesOf(await eventsOf(show.id, 1))).toEqual(['show.sold_out.v1']);
});

it('what is refused, or answered again under its key, emits nothing', async () => {
  const show = await makeShow(operator);
  const [buyer, other] = (await world.buyers(2, 5_000)) as [Buyer, Buyer];
  const held = await reserve(buyer, show.id, [show.seats[0] as string]);
  const key = 'the only one';
  await pay(buyer, held.id, key);
  const before = (await world.pool.query('select from outbox')).rowCount;
  await pay(buyer, held.id, key);
  await pay(buyer, held.id);
  await reserve(other, show.id, [show.seats[0] as string]);
  await charge(other, 0).catch(() => undefined);
  expect((await world.pool.query('select from outbox')).rowCount).toBe(before);
});

it('no event has a name, a token or a key in it', async () => {
  const events = await readStream(world.redis);
  expect(events.length).toBeGreaterThan(20);
  const text = JSON.stringify(events);
  for (const secret of ['buyer ', 'the only one', 'eyJ', 'token', 'operator']) expect(text).not.toContain(secret);
});
