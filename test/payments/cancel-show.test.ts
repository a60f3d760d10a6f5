import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  admit,
  balanceOf,
  cancelPayment,
  cancelShow,
  enter,
  eventually,
  makeConcert,
  makeQueue,
  makeShow,
  pay,
  refundPayment,
  reserve,
  violationsOf,
} from '../support/builders.ts';
import { cancelAmidSales } from '../support/cancelled-shows.ts';
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

const refundsOf = async (showId: string): Promise<Data> =>
  (await operator.get('query ($id: ID!) { show(id: $id) { refunds { total done failed } } }', { id: showId })).show
    .refunds;

const reservationOf = async (buyer: Buyer, id: string): Promise<Data> =>
  (
    await buyer.get('query ($id: ID!) { reservation(id: $id) { status cancelReason payment { status refunded } } }', {
      id,
    })
  ).reservation;

const RESERVE_BEST = `mutation ($input: ReserveBestInput!) { reserveBest(input: $input) {
  __typename ... on Problem { code } } }`;

it('from the commit on nothing of a cancelled show is held or paid for; what was paid comes back with the reason', async () => {
  const [paid, part, holder, late] = (await world.buyers(4, 5_000)) as [Buyer, Buyer, Buyer, Buyer];
  const show = await makeShow(operator, { seatCount: 20 });
  const bought = await reserve(paid, show.id, show.seats.slice(0, 2));
  await pay(paid, bought.id);
  const inPart = await reserve(part, show.id, show.seats.slice(2, 4));
  const { id: partPayment } = await pay(part, inPart.id);
  await refundPayment(part, partPayment, { seatIds: [show.seats[2] as string] });
  const held = await reserve(holder, show.id, show.seats.slice(4, 6));
  await world.pool.query(`update ticket set checked_in_at = now() where reservation_id = $1`, [bought.id]);

  expect(await cancelShow(operator, show.id, 'the singer is ill')).toMatchObject({
    ...{ id: show.id, cancelReason: 'the singer is ill', refunds: { total: 2, failed: 0 } },
    cancelledAt: expect.any(String),
  });
  expect(await pay(holder, held.id)).toMatchObject({ code: 'SHOW_CANCELLED' });
  expect(await reserve(late, show.id, [show.seats[10] as string])).toMatchObject({ code: 'SHOW_CANCELLED' });
  const best = await late.get(RESERVE_BEST, { input: { showId: show.id, count: 1 } });
  expect(best.reserveBest).toMatchObject({ code: 'SHOW_CANCELLED' });
  expect((await reservationOf(holder, held.id)).status).toBe('RELEASED');
  const read = await late.get(
    'query ($id: ID!) { availableDates(concertId: $id) { id } concert(id: $id) { shows { cancelledAt availableCount } } }',
    {
      id: show.concertId,
    },
  );
  expect(read).toMatchObject({ availableDates: [], concert: { shows: [{ availableCount: 0 }] } });

  await eventually(async () => (await refundsOf(show.id)).done === 2);
  expect(await refundsOf(show.id)).toEqual({ total: 2, done: 2, failed: 0 });
  expect(await reservationOf(paid, bought.id), 'checked in or not').toEqual({
    ...{ status: 'CANCELLED', cancelReason: 'the singer is ill' },
    payment: { status: 'CANCELLED', refunded: 2_000 },
  });
  expect(await reservationOf(part, inPart.id)).toMatchObject({ status: 'CANCELLED', payment: { refunded: 2_000 } });
  for (const buyer of [paid, part, holder, late]) expect(await balanceOf(buyer)).toBe(5_000);
  expect(await typesOf(world.pool, show.id)).toContain('show.cancelled.v1');
  expect(await typesOf(world.pool, held.id)).toEqual(['reservation.held.v1', 'reservation.released.v1']);
  expect(await violationsOf(operator)).toEqual({});
});

it('a show is cancelled once: again it is answered as it is, with the first reason, and refunds nothing twice', async () => {
  const buyer = await world.buyer(5_000);
  const show = await makeShow(operator);
  await pay(buyer, (await reserve(buyer, show.id, show.seats.slice(0, 2))).id);
  const answers = await Promise.all(
    Array.from({ length: 6 }, (_, index) =>
      cancelShow(operator.at(world.urls[index % 2] as string), show.id, `reason ${index}`),
    ),
  );
  expect(new Set(answers.map(({ cancelledAt, cancelReason }) => `${cancelledAt} ${cancelReason}`)).size).toBe(1);
  await eventually(async () => (await refundsOf(show.id)).done === 1);
  expect(await balanceOf(buyer)).toBe(5_000);
  expect(await violationsOf(operator)).toEqual({});
});

it('an unknown show is NOT_FOUND, a reason of 0 or 501 characters BAD_USER_INPUT, and nothing is cancelled', async () => {
  const show = await makeShow(operator);
  const query = 'mutation ($input: CancelShowInput!) { cancelShow(input: $input) { id } }';
  const unknown = '00000000-0000-7000-8000-000000000000';
  expect(await operator.fail(query, { input: { showId: unknown, reason: 'x' } })).toBe('NOT_FOUND');
  for (const reason of ['', 'x'.repeat(501)]) {
    const { errors } = await operator.ask(query, { input: { showId: show.id, reason } });
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', argument: 'input.reason' });
  }
  expect(await reserve(await world.buyer(), show.id, [show.seats[0] as string])).toMatchObject({ status: 'HELD' });
  expect(await refundsOf(show.id)).toBeNull();
});

it('the queue is closed with the last show behind it that could be bought, also when two are cancelled at once', async () => {
  const queueId = await makeQueue(operator, { capacity: 1 });
  const concertId = await makeConcert(operator, queueId);
  const shows = [];
  for (let n = 0; n < 3; n++) shows.push(await makeShow(operator, { concertId }));
  const [first, second, third] = shows.map(({ id }) => id) as [string, string, string];
  const [active, waiting] = (await world.buyers(2, 5_000)) as [Buyer, Buyer];
  await admit(active, queueId);
  const { value } = await enter(waiting, queueId);
  const stateOf = async (): Promise<string> =>
    (await operator.get('query ($id: ID!) { queue(id: $id) { state } }', { id: queueId })).queue.state;
  await cancelShow(operator, first);
  expect(await stateOf()).toBe('OPEN');
  await Promise.all([
    cancelShow(operator.at(world.urls[0] as string), second),
    cancelShow(operator.at(world.urls[1] as string), third),
  ]);
  expect(await stateOf()).toBe('CLOSED');
  expect((await typesOf(world.pool, queueId)).filter((type) => type === 'queue.closed.v1')).toHaveLength(1);
  await eventually(async () => {
    const { queueToken } = await waiting.get('query ($value: ID!) { queueToken(value: $value) { status endReason } }', {
      value,
    });
    return queueToken.status === 'EXPIRED' && queueToken.endReason === 'QUEUE_CLOSED';
  });
});

it('a queue before a show whose sale is over, and one that is closed already, change nothing', async () => {
  const queueId = await makeQueue(operator, { capacity: 1 });
  const concertId = await makeConcert(operator, queueId);
  const [over, left] = [await makeShow(operator, { concertId }), await makeShow(operator, { concertId })];
  await world.pool.query('update show set sales_close_at = now() where id = $1', [over.id]);
  await cancelShow(operator, left.id);
  expect((await operator.get('query ($id: ID!) { queue(id: $id) { state } }', { id: queueId })).queue.state).toBe(
    'CLOSED',
  );
  await cancelShow(operator, over.id);
  expect((await typesOf(world.pool, queueId)).filter((type) => type === 'queue.closed.v1')).toHaveLength(1);
});

it('showRefunds tells operators how far the refunds are until all are done', async () => {
  const buyers = await world.buyers(40, 1_000);
  const show = await makeShow(operator, { seatCount: 40 });
  await Promise.all(
    buyers.map(async (buyer, index) => pay(buyer, (await reserve(buyer, show.id, [show.seats[index] as string])).id)),
  );
  const query = 'subscription ($id: ID!) { showRefunds(showId: $id) { showId total done failed } }';
  const feed = operator.watch(query, { id: show.id });
  const nothing = { showId: show.id, total: 0, done: 0, failed: 0 };
  expect((await feed.until(() => true)).showRefunds).toEqual(nothing);
  await cancelShow(operator, show.id);
  const { showRefunds } = await feed.until(({ showRefunds: { done } }) => done === 40);
  expect(showRefunds).toEqual({ showId: show.id, total: 40, done: 40, failed: 0 });
  await feed.close();
  for (const buyer of buyers) expect(await balanceOf(buyer)).toBe(1_000);
});

it('a refund that fails is told as failed and tried again; the others are done meanwhile', async () => {
  const buyers = await world.buyers(3, 1_000);
  const show = await makeShow(operator, { seatCount: 3 });
  const ids: string[] = [];
  for (const [index, buyer] of buyers.entries()) {
    ids.push((await pay(buyer, (await reserve(buyer, show.id, [show.seats[index] as string])).id)).id);
  }
  const [first] = ids as [string];
  await world.pool.query(`
    create function fail_refund() returns trigger language plpgsql as $$
    begin
      if new.payment_id = '${first}' then raise exception 'not today'; end if;
      return new;
    end $$`);
  await world.pool.query(
    'create trigger fail_refund before insert on refund for each row execute function fail_refund()',
  );
  await cancelShow(operator, show.id);
  await eventually(async () => {
    const { done, failed } = await refundsOf(show.id);
    return done === 2 && failed === 1;
  });
  expect(await Promise.all(buyers.map(balanceOf))).toEqual([0, 1_000, 1_000]);
  await world.pool.query('drop trigger fail_refund on refund');
  await world.pool.query('update show_refund set due_at = now() where payment_id = $1', [first]);
  await eventually(async () => (await refundsOf(show.id)).done === 3);
  expect(await refundsOf(show.id)).toEqual({ total: 3, done: 3, failed: 0 });
  expect(await balanceOf(buyers[0] as Buyer)).toBe(1_000);
  expect(await violationsOf(operator)).toEqual({});
});

it('200 pays and reserves against cancelShow, over both processes: in the end nobody has paid for it', async () => {
  await cancelAmidSales(world, operator, 3);
});

it('a payment that its owner cancels while the show is being cancelled is given back once', async () => {
  const buyer = await world.buyer(5_000);
  const show = await makeShow(operator);
  const payments: string[] = [];
  for (const seat of show.seats.slice(0, 4))
    payments.push((await pay(buyer, (await reserve(buyer, show.id, [seat])).id)).id);
  await Promise.all([cancelShow(operator, show.id), ...payments.map((id) => cancelPayment(buyer, id))]);
  await eventually(async () => {
    const { total, done } = await refundsOf(show.id);
    return total === done;
  });
  expect(await balanceOf(buyer)).toBe(5_000);
  expect(await violationsOf(operator)).toEqual({});
});
