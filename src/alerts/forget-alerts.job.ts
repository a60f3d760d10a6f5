import type { Job } from '../platform/jobs.ts';
import { forkOf } from '../platform/platform.ts';
import { deleteInRounds, NOW_ONCE, sql } from '../platform/postgres.ts';
import { MINUTE } from '../platform/units.ts';

/** Alerts deleted by one statement. */
const MAX_AT_ONCE = 1_000;

/** Forgets alerts that were SENT or FAILED 30 days after their `sendAt`, and when a built-in alert was raised last. */
export const forgetAlerts: Job = {
  name: 'forget-alerts',
  everyMs: 10 * MINUTE,
  async run(platform) {
    const em = forkOf(platform);
    await sql(em, `delete from raised_alert where raised_at < ${NOW_ONCE} - interval '30 days'`);
    await deleteInRounds(
      em,
      `delete from alert where ctid = any(array(
         select ctid from alert where status <> 'SCHEDULED' and send_at < ${NOW_ONCE} - interval '30 days'
         order by send_at limit $1 for update skip locked))
       returning 1`,
      MAX_AT_ONCE,
    );
  },
};
