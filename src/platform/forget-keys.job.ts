import type { Job } from './jobs.ts';
import { forkOf } from './platform.ts';
import { deleteInRounds, NOW_ONCE } from './postgres.ts';
import { MINUTE } from './units.ts';

/** Keys deleted by one statement. */
const MAX_KEYS = 1_000;

/**
 * Forgets idempotency keys after 24 hours, the oldest first. Those of mutations that move money are kept for good, also
 * where they were refused.
 */
export const forgetKeys: Job = {
  name: 'forget-keys',
  everyMs: 10 * MINUTE,
  async run(platform) {
    await deleteInRounds(
      forkOf(platform),
      `delete from idempotency_key where ctid = any(array(
         select ctid from idempotency_key
         where mutation not in ('charge', 'chargeWallet', 'cancelCharge', 'adjustWallet', 'pay', 'cancelPayment',
             'refundPayment')
           and created_at < ${NOW_ONCE} - interval '24 hours'
         order by created_at limit $1 for update skip locked))
       returning 1`,
      MAX_KEYS,
    );
  },
};
