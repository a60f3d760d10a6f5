import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { cancelShow, eventually, makeShow, pay, reserve } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import { World } from '../support/world.ts';

/** A show of which `payer` holds `first`, to be paid, and `holder` may want `second`. */
async function onSale(world: World, operator: Buyer) {
  const [payer, holder] = (await world.buyers(2, 1_000)) as [Buyer, Buyer];
  const show = await makeShow(operator);
  const [first, second] = show.seats as [string, string];
  const reservation = await reserve(payer, show.id, [first]);
  return { showId: show.id, payer, reservationId: reservation.id, holder, second };
}

/** Cancels shows while somebody pays for a seat and somebody holds another. @returns payments and holds that stand afterwards */
async function soldOfCancelled(preload: string): Promise<number> {
  const world = await World.open({ preload });
  try {
    const operator = await world.operator();
    const [one, two] = world.urls as [string, string];
    const shows = await Promise.all([1, 2, 3, 4, 5].map(() => onSale(world, operator)));
    // One after the other: each cancellation has to meet a purchase while it commits.
    for (const { showId, payer, reservationId, holder, second } of shows) {
      await Promise.all([
        pay(payer.at(one), reservationId),
        reserve(holder.at(one), showId, [second]),
        sleep(60).then(() => cancelShow(operator.at(two), showId)),
      ]);
    }
    const open = 'select from show_refund where done_at is null';
    await eventually(async () => (await world.pool.query(open)).rowCount === 0);
    const { rows } = await world.pool.query<{ count: number }>(
      `select count(*)::int from reservation where status in ('HELD', 'CONFIRMED')`,
    );
    return rows[0]?.count ?? Number.NaN;
  } finally {
    await world.close();
  }
}

it('a purchase that is slow to commit is over before its show is cancelled, and is given back', async () => {
  expect(await soldOfCancelled('./slow-commits.ts')).toBe(0);
});

it('without the lock of the show a cancelled show is sold: the test of the guard can fail', async () => {
  expect(await soldOfCancelled('./without-show-lock.ts')).toBeGreaterThan(0);
});
