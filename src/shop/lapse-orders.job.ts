import type { Job } from '../platform/jobs.ts';
import { forkOf, type Platform } from '../platform/platform.ts';
import { NOW_ONCE, prepared, sql } from '../platform/postgres.ts';
import { transact } from '../platform/transact.ts';
import { SECOND } from '../platform/units.ts';
import { endOrders } from './end-orders.ts';

/** Orders cancelled in one transaction. */
const MOST_AT_ONCE = 100;

/**
 * Cancels orders that were not paid in time, and gives their stock back. An order is CANCELLED for everybody from the
 * instant its time is over; what depends on this is only when the others can have its stock.
 */
export const lapseOrders: Job = {
  name: 'lapse-orders',
  everyMs: SECOND,
  async run(platform) {
    while ((await cancelOverdue(platform)) === MOST_AT_ONCE);
  },
};

/**
 * Cancels up to a hundred of them; those that somebody else has locked are left alone.
 * @returns how many
 */
export async function cancelOverdue(platform: Platform): Promise<number> {
  const em = forkOf(platform);
  const due = await sql(em, prepared(`select id from shop_order where ${IS_OVERDUE} order by pay_by limit 1`));
  if (due.length === 0) return 0;
  return transact(em, async (inner) => {
    const overdue = await sql<{ id: string }>(
      inner,
      `select id from shop_order where ${IS_OVERDUE} order by pay_by limit $1 for no key update skip locked`,
      [MOST_AT_ONCE],
    );
    if (overdue.length > 0) {
      await endOrders(
        inner,
        overdue.map(({ id }) => id),
      );
    }
    return overdue.length;
  });
}

const IS_OVERDUE = `status = 'PLACED' and pay_by <= ${NOW_ONCE}`;
