import type { Job } from '../platform/jobs.ts';
import { forkOf } from '../platform/platform.ts';
import { NOW_ONCE, sql } from '../platform/postgres.ts';
import { MINUTE } from '../platform/units.ts';
import { MAX_MINUTES } from './queue-history.ts';
import { keepMinutes, LAST_KEPT, readUnkept } from './queue-minutes.ts';

/**
 * Moves the past of queues from Redis, which keeps it for a day, to PostgreSQL, by the minute, where it is kept for 30
 * days. It begins with the last minute that was moved, which may not have been over. Every process does: what is written
 * twice is the same.
 */
export const keepHistory: Job = {
  name: 'keep-history',
  everyMs: MINUTE,
  async run(platform) {
    const em = forkOf(platform);
    const queues = await sql<{ id: string; kept: Date | null }>(em, `select q.id, ${LAST_KEPT} as kept from queue q`);
    for (const { id, kept } of queues) {
      const minutes = await readUnkept(platform, id, kept);
      if (minutes.length > 0) await keepMinutes(em, id, minutes);
    }
    await sql(em, `delete from queue_minute where minute < ${NOW_ONCE} - make_interval(mins => $1)`, [MAX_MINUTES]);
  },
};
