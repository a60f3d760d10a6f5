import type { Job } from '../platform/jobs.ts';
import { forkOf } from '../platform/platform.ts';
import { deleteInRounds, NOW_ONCE } from '../platform/postgres.ts';
import { MINUTE } from '../platform/units.ts';

/** Sessions deleted by one statement. */
const MAX_AT_ONCE = 1_000;

/**
 * The columns that say since when a session is over, and how long its row stays after that. The row of an ended session
 * stays longer than its last access token is valid: processes that start meanwhile learn from it that the token is refused.
 */
const OVER = [
  ['lasts_until', '1 day'],
  ['ended_at', '2 hours'],
] as const;

/** Forgets sessions a day after their last access token and their cookie are over, and ended ones after two hours. */
export const forgetSessions: Job = {
  name: 'forget-sessions',
  everyMs: 10 * MINUTE,
  async run(platform) {
    for (const [column, stays] of OVER) {
      await deleteInRounds(
        forkOf(platform),
        `delete from session where id = any(array(
           select id from session where ${column} < ${NOW_ONCE} - interval '${stays}'
           order by ${column} limit $1 for update skip locked))
         returning 1`,
        MAX_AT_ONCE,
      );
    }
  },
};
