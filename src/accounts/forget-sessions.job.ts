import type { Job } from '../platform/jobs.ts';
import { forkOf } from '../platform/platform.ts';
import { deleteInRounds, NOW_ONCE } from '../platform/postgres.ts';
import { MINUTE } from '../platform/units.ts';

/** Sessions deleted by one statement. */
const MAX_SESSIONS = 1_000;

/** Forgets sessions a day after their last access token and their cookie are over. */
export const forgetSessions: Job = {
  name: 'forget-sessions',
  everyMs: 10 * MINUTE,
  async run(platform) {
    await deleteInRounds(
      forkOf(platform),
      `delete from session where id = any(array(
         select id from session where lasts_until < ${NOW_ONCE} - interval '1 day'
         order by lasts_until limit $1 for update skip locked))
       returning 1`,
      MAX_SESSIONS,
    );
  },
};
