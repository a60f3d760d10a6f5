import type { Job } from '../platform/jobs.ts';
import { forkOf } from '../platform/platform.ts';
import { sql } from '../platform/postgres.ts';
import { MINUTE } from '../platform/units.ts';

/** Events deleted in one statement. */
const MAX_AT_ONCE = 1_000;

/** An event that waits for nothing: it is in the stream for a day, and each delivery ended a day ago (dead: 30 days). */
const FORGOTTEN = `select o.sequence from outbox o
  where o.occurred_at < clock_timestamp() - interval '1 day'
    and o.streamed_at < clock_timestamp() - interval '1 day' and o.shared_at is not null
    and not exists (
      select from webhook_delivery d join webhook w on w.id = d.webhook_id and w.removed_at is null
      where d.sequence = o.sequence and (d.status = 'PENDING' or d.ended_at > clock_timestamp()
        - case d.status when 'DEAD' then interval '30 days' else interval '1 day' end))
  order by o.sequence limit ${MAX_AT_ONCE}`;

/** Deletes events that were delivered everywhere long enough ago, and the backlogs of removed webhooks. */
export const forgetEvents: Job = {
  name: 'forget-events',
  everyMs: MINUTE,
  async run(platform) {
    await sql(
      forkOf(platform),
      'delete from webhook_backlog l using webhook w where w.id = l.webhook_id and w.removed_at is not null',
    );
    let forgotten: readonly unknown[];
    do {
      forgotten = await sql(
        forkOf(platform),
        `with forgotten as (${FORGOTTEN}), undone as (
           delete from webhook_delivery d using forgotten f where d.sequence = f.sequence
         )
         delete from outbox o using forgotten f where o.sequence = f.sequence returning o.sequence`,
      );
    } while (forgotten.length === MAX_AT_ONCE);
  },
};
