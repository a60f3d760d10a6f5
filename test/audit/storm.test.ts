import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { cancelPayment, eventually, makeShow, pay, reserve, violationsOf } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { randomFrom } from '../support/random.ts';
import { cancelOrder, makeProduct, payOrder, placeOrder } from '../support/shop.ts';
import { World } from '../support/world.ts';

/** Milliseconds between two audits of a process. */
const AUDIT_EVERY_MS = 50;

let world: World;
afterEach(() => world.close());

const RELEASE = 'mutation ($id: ID!) { releaseReservation(id: $id) { __typename } }';

/** Lets a hold end after so many milliseconds. */
async function lapseIn(ms: number, reservationId: string): Promise<void> {
  await world.pool.query(
    `with ended as (
       update reservation set expires_at = clock_timestamp() + make_interval(secs => $2::float8 / 1000)
       where id = $1 returning id, expires_at
     ) update hold h set expires_at = ended.expires_at from ended where h.reservation_id = ended.id`,
    [reservationId, ms],
  );
}

/** What becomes of one hold, and of one order. */
async function buyAtRandom(
  buyer: Buyer,
  show: string,
  seats: string[],
  product: string,
  chance: number,
): Promise<void> {
  const held = await reserve(buyer, show, seats);
  if (held.__typename === 'Reservation') {
    if (chance < 3) await lapseIn(chance, held.id);
    else if (chance < 5) await buyer.get(RELEASE, { id: held.id });
    else await thenCancel(buyer, await pay(buyer, held.id), chance < 9);
  }
  const order = await placeOrder(buyer, { [product]: 1 + (chance % 3) });
  if (order.__typename !== 'Order') return;
  if (chance < 3) await cancelOrder(buyer, order.id);
  else await thenCancel(buyer, await payOrder(buyer, order.id), chance < 8);
}

async function thenCancel(buyer: Buyer, payment: Data, isCancelled: boolean): Promise<void> {
  if (isCancelled && payment.__typename === 'Payment') await cancelPayment(buyer, payment.id);
}

it('audits stay clean while seats are bought, given back, left to lapse and taken over, and orders come and go, over two processes', async () => {
  world = await World.open({ env: { SEATS_PER_USER: '100' } });
  const operator = await world.operator();
  const show = await makeShow(operator, { seatCount: 10 });
  const product = await makeProduct(operator, { stock: 60 });
  const buyers = await world.buyers(8, 1_000_000);
  const random = randomFrom(7);
  let audits = 0;
  let going = buyers.length;
  const storm = buyers.map(async (buyer, index) => {
    for (let round = 0; round < 15; round++) {
      const seat = random(show.seats.length - 1);
      const at = buyer.at(world.urls[(index + round) % 2] as string);
      await buyAtRandom(at, show.id, show.seats.slice(seat, seat + 1 + random(2)), product, random(10));
    }
    going--;
  });
  const auditing = world.urls.map(async (url) => {
    for (; going > 0; audits++, await sleep(AUDIT_EVERY_MS)) expect(await violationsOf(operator.at(url))).toEqual({});
  });
  await Promise.all([...storm, ...auditing]);
  expect(await violationsOf(operator)).toEqual({});
  expect(audits).toBeGreaterThan(10);
  const { rows } = await world.pool.query(
    'select distinct status from reservation where expires_at <= clock_timestamp() or status <> $1 order by 1',
    ['HELD'],
  );
  expect(rows.map(({ status }) => status)).toEqual(
    expect.arrayContaining(['CANCELLED', 'CONFIRMED', 'EXPIRED', 'RELEASED']),
  );
});

/** What an audit says whose snapshot shows a hold that was taken over after the audit had begun. */
async function auditBesideTakeover(preload: string): Promise<Record<string, string[]>> {
  world = await World.open({ processes: 1, preload });
  const operator = await world.operator();
  const show = await makeShow(operator);
  const [first, second] = (await world.buyers(2)) as [Buyer, Buyer];
  const held = await reserve(first, show.id, [show.seats[0] as string]);
  await world.pool.query('create table held_up ()');
  const rival = await world.pool.connect();
  await rival.query('begin; lock table held_up in access exclusive mode');
  await lapseIn(500, held.id);
  const audit = violationsOf(operator);
  await eventually(async () => (await world.pool.query('select from pg_locks where not granted')).rowCount === 1);
  await eventually(
    async () => (await reserve(second, show.id, [show.seats[0] as string])).__typename === 'Reservation',
  );
  await rival.query('commit');
  rival.release();
  return audit;
}

it('a hold that lapses and is taken over between BEGIN and the snapshot is no false alarm', async () => {
  expect(await auditBesideTakeover('./hold-up-audit.ts')).toEqual({});
});

it('by the time of BEGIN instead of the clock it would be one', async () => {
  expect(Object.keys(await auditBesideTakeover('./hold-up-audit-without-clock.ts'))).toEqual(['holds-reserved']);
});
