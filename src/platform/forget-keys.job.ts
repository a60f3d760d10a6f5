import type { Job } from './jobs.ts';
import { forkOf } from './platform.ts';
import { sql } from './postgres.ts';
import { MINUTE } from './units.ts';

/** Forgets idempotency keys after 24 hours; those under which money moved are kept for good. */
export const forgetKeys: Job = {
  name: 'forget-keys',
  everyMs: 10 * MINUTE,
  async run(platform) {
    await sql(
      forkOf(platform),
      `delete from idempotency_key
       where mutation not in ('charge', 'cancelCharge', 'pay') and created_at < clock_timestamp() - interval '24 hours'`,
    );
  },
};
