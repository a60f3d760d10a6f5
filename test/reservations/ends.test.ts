import { afterAll, beforeAll, expect, it } from 'vitest';
import { cancelPayment, type MadeShow, makeShow, pay, reserve } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { World } from '../support/world.ts';

let world: World;
let buyer: Buyer;
let show: MadeShow;
beforeAll(async () => {
  world = await World.open({ processes: 1, env: { LATE_PAYMENT: 'accept', SEATS_PER_USER: '100' } });
  buyer = await world.buyer(100_000);
  show = await makeShow(await world.operator(), { seatCount: 20 });
});
afterAll(() => world.close());

let taken = 0;
async function held(): Promise<Data> {
  taken += 1;
  return reserve(buyer, show.id, [show.seats[taken - 1] as string]);
}

async function read(id: string): Promise<Data> {
  const query = 'query ($id: ID!) { reservation(id: $id) { status expiresAt completedAt payment { cancelledAt } } }';
  return (await buyer.get(query, { id })).reservation;
}

const release = (id: string): Promise<Data> =>
  buyer.get(
    'mutation ($id: ID!) { releaseReservation(id: $id) { ... on Reservation { status expiresAt completedAt } } }',
    { id },
  );

async function lapse(id: string): Promise<void> {
  for (const table of ['hold where reservation_id', 'reservation where id']) {
    const [name, key] = table.split(' where ');
    await world.pool.query(`update ${name} set expires_at = now() - interval '1 minute' where ${key} = $1`, [id]);
  }
}

/** PostgreSQL's clock. */
async function now(): Promise<number> {
  return (await world.pool.query<{ now: Date }>('select clock_timestamp() as now')).rows[0]!.now.getTime();
}

it('completedAt is null while HELD, and then when it was released, in the answer and ever after', async () => {
  const { id } = await held();
  expect(await read(id)).toMatchObject({ status: 'HELD', completedAt: null });
  const before = await now();
  const { releaseReservation } = await release(id);
  expect(Date.parse(releaseReservation.completedAt)).toBeGreaterThanOrEqual(before - 1);
  expect(Date.parse(releaseReservation.completedAt)).toBeLessThanOrEqual(await now());
  expect(await read(id)).toMatchObject({ status: 'RELEASED', completedAt: releaseReservation.completedAt });
  expect(await release(id)).toEqual({ releaseReservation });
});

it('completedAt is when it was paid, and after a refund when that was', async () => {
  const { id } = await held();
  const before = await now();
  const payment = await pay(buyer, id);
  const paid = await read(id);
  expect(paid.status).toBe('CONFIRMED');
  expect(Date.parse(paid.completedAt)).toBeGreaterThanOrEqual(before - 1);
  const between = await now();
  expect(Date.parse(paid.completedAt)).toBeLessThanOrEqual(between);
  await cancelPayment(buyer, payment.id);
  const { status, completedAt, payment: cancelled } = await read(id);
  expect({ status, completedAt }).toEqual({ status: 'CANCELLED', completedAt: cancelled.cancelledAt });
  expect(Date.parse(completedAt)).toBeGreaterThanOrEqual(between - 1);
});

it('completedAt of a lapsed one is when it lapsed, before the sweep and after, until it is paid late', async () => {
  const { id } = await held();
  await lapse(id);
  const lapsed = await read(id);
  expect(lapsed).toMatchObject({ status: 'EXPIRED', completedAt: lapsed.expiresAt });
  expect((await release(id)).releaseReservation).toMatchObject({ status: 'EXPIRED', completedAt: lapsed.expiresAt });
  await world.pool.query(`update reservation set status = 'EXPIRED' where id = $1`, [id]);
  expect(await read(id)).toEqual(lapsed);
  const before = await now();
  expect((await pay(buyer, id)).__typename).toBe('Payment');
  expect(Date.parse((await read(id)).completedAt)).toBeGreaterThanOrEqual(before - 1);
});

it('one that ended before this was kept has none', async () => {
  const { id } = await held();
  await release(id);
  await world.pool.query('update reservation set ended_at = null where id = $1', [id]);
  expect(await read(id)).toMatchObject({ status: 'RELEASED', completedAt: null });
});
