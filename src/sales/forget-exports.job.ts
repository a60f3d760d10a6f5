import type { Job } from '../platform/jobs.ts';
import { forkOf } from '../platform/platform.ts';
import { NOW_ONCE, sql } from '../platform/postgres.ts';
import { HOUR } from '../platform/units.ts';

/** Forgets exports a day after their links expired. */
export const forgetExports: Job = {
  name: 'forget-exports',
  everyMs: HOUR,
  async run(platform) {
    await sql(forkOf(platform), `delete from sales_export where expires_at < ${NOW_ONCE} - interval '1 day'`);
  },
};
