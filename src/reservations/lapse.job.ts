import type { EntityManager } from '@mikro-orm/core';
import { runAlone } from '../commands/runner.ts';
import type { Seat } from '../concerts/seat.ts';
import { publishSeats } from '../concerts/seat-change.ts';
import type { Job } from '../platform/jobs.ts';
import { NOW_ONCE, sql } from '../platform/postgres.ts';
import { SECOND } from '../platform/units.ts';
import { endHolds } from './end-holds.ts';

/** Reservations swept in one transaction. */
const MAX_AT_ONCE = 200;

/**
 * Frees the seats of lapsed holds and publishes the changes to subscribers. No answer depends on it: a lapsed hold has
 * no effect from the instant it ends.
 */
export const lapseHolds: Job = {
  name: 'lapse-holds',
  everyMs: SECOND,
  async run(platform) {
    let swept: number;
    do {
      const { seats, count } = await runAlone(platform, sweep);
      publishSeats(platform, seats);
      swept = count;
    } while (swept === MAX_AT_ONCE);
  },
};

/** Ends lapsed holds, with locks in LOCK_ORDER; skips reservations that another transaction has locked. */
async function sweep(em: EntityManager): Promise<{ seats: Seat[]; count: number }> {
  const overdue = await sql<{ id: string }>(
    em,
    `select id from reservation where status = 'HELD' and expires_at <= ${NOW_ONCE}
     order by expires_at limit $1 for update skip locked`,
    [MAX_AT_ONCE],
  );
  const ids = overdue.map(({ id }) => id);
  return { seats: await endHolds(em, ids), count: overdue.length };
}
