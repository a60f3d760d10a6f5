import { publishSeats } from '../concerts/seat-change.ts';
import type { Job } from '../platform/jobs.ts';
import { forkOf } from '../platform/platform.ts';
import { NOW_ONCE, sql } from '../platform/postgres.ts';
import { transact } from '../platform/transact.ts';
import { SECOND } from '../platform/units.ts';
import { freeSeats } from './free-seats.ts';

/** Reservations swept in one transaction. */
const MOST_AT_ONCE = 200;

/**
 * Frees the seats of holds that lapsed and tells who watches. Nothing depends on it: a lapsed hold counts for nothing
 * from the instant it ends.
 */
export const lapseHolds: Job = {
  name: 'lapse-holds',
  everyMs: SECOND,
  async run(platform) {
    let swept: number;
    do {
      const { seats, count } = await transact(forkOf(platform), async (em) => {
        const lapsed = await sql<{ id: string }>(
          em,
          `select id from reservation where status = 'HELD' and expires_at <= ${NOW_ONCE}
           order by expires_at limit $1 for update skip locked`,
          [MOST_AT_ONCE],
        );
        const ids = lapsed.map(({ id }) => id);
        return { seats: ids.length > 0 ? await freeSeats(em, ids, 'EXPIRED') : [], count: ids.length };
      });
      publishSeats(platform, seats);
      swept = count;
    } while (swept === MOST_AT_ONCE);
  },
};
