import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { cancelShow, eventually, makeShow, pay, reserve } from '../support/builders.ts';
import { World } from '../support/world.ts';

/** Cancels shows while somebody pays for a seat and somebody holds another. @returns payments and holds that stand afterwards */
async function soldOfCancelled(preload: string): Promise<number> {
  const world = await World.open({ preload });
  try {
    const operator = await world.operator();
    const [one, two] = world.urls as [string, string];
    let sold = 0;
    for (let round = 0; round < 3; round++) {
      const [payer, holder] = await world.buyers(2, 1_000);
      if (!payer || !holder) throw new Error('there are no buyers');
      const show = await makeShow(operator);
      const [first, second] = show.seats as [string, string];
      const { id } = await reserve(payer, show.id, [first]);
      await Promise.all([
        pay(payer.at(one), id),
        reserve(holder.at(one), show.id, [second]),
        sleep(60).then(() => cancelShow(operator.at(two), show.id)),
      ]);
      await eventually(async () => {
        const open = 'select from show_refund where show_id = $1 and done_at is null';
        return (await world.pool.query(open, [show.id])).rowCount === 0;
      });
      const { rows } = await world.pool.query<{ count: number }>(
        `select count(*)::int from reservation where show_id = $1 and status in ('HELD', 'CONFIRMED')`,
        [show.id],
      );
      sold += rows[0]?.count ?? 0;
    }
    return sold;
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
