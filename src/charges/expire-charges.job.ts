import type { EventData } from '../commands/event-types.ts';
import { writeOutbox } from '../commands/outbox.ts';
import { runAlone } from '../commands/runner.ts';
import type { Job } from '../platform/jobs.ts';
import { NOW_ONCE, sql } from '../platform/postgres.ts';
import { MINUTE } from '../platform/units.ts';
import { chargeExpired } from './pending-charge.ts';

/** Most charges of one transaction. */
const MAX_AT_ONCE = 500;

/**
 * Notes that charges have expired, and tells other systems. Every reader sees a charge as EXPIRED from the instant its time
 * is over. One that another transaction has locked is left out: its money has just come.
 */
export const expireCharges: Job = {
  name: 'expire-charges',
  everyMs: MINUTE,
  async run(platform) {
    let expired: number;
    do {
      expired = await runAlone(platform, async (em) => {
        const charges = await sql<EventData<'charge.expired.v1'>>(
          em,
          `update pending_charge set status = 'EXPIRED' where id in (
             select id from pending_charge where status = 'PENDING' and expires_at <= ${NOW_ONCE}
             order by expires_at limit $1 for update skip locked)
           returning id as "chargeId", user_id as "userId", amount`,
          [MAX_AT_ONCE],
        );
        await writeOutbox(
          em,
          charges.map((data) => ({ event: chargeExpired(data), requestId: undefined })),
        );
        return charges.length;
      });
    } while (expired === MAX_AT_ONCE);
  },
};
