import type { EntityManager } from '@mikro-orm/core';
import type { Job } from '../platform/jobs.ts';
import { forkOf } from '../platform/platform.ts';
import { NOW_ONCE, prepared, sql, tryLock } from '../platform/postgres.ts';
import { MINUTE } from '../platform/units.ts';

/** Events looked at in one transaction. */
const MAX_AT_ONCE = 1_000;

/** How long an event is kept: after it was added to the stream, after a delivery, and as a dead letter. */
const KEPT = { streamed: '1 day', delivered: '1 day', dead: '30 days' } as const;

/**
 * Deletes events that were delivered everywhere long enough ago, and the backlogs of removed webhooks. Walks through the
 * old events once, by sequence; one process at a time does.
 */
export const forgetEvents: Job = {
  name: 'forget-events',
  everyMs: 10 * MINUTE,
  async run(platform) {
    await sql(
      forkOf(platform),
      'delete from webhook_backlog b using webhook w where w.id = b.webhook_id and w.removed_at is not null',
    );
    for (let after: number | undefined = 0; after !== undefined; ) {
      const from: number = after;
      after = await forkOf(platform).transactional((em) => forget(em, from));
    }
  },
};

/**
 * Looks at the events after a sequence, and deletes those that may go.
 * @returns the sequence to go on from; undefined after the last old event, and while another process is at it
 */
async function forget(em: EntityManager, after: number): Promise<number | undefined> {
  if (!(await tryLock(em, 'forget-events'))) return undefined;
  const some = await sql<{ sequence: number; isOld: boolean }>(
    em,
    prepared(`select sequence, occurred_at < ${NOW_ONCE} - interval '1 day' as "isOld" from outbox
     where sequence > $1 order by sequence limit ${MAX_AT_ONCE}`),
    [after],
  );
  const old = some.filter(({ isOld }) => isOld).map(({ sequence }) => sequence);
  await sql(
    em,
    prepared(`with forgotten as materialized (
       select o.sequence from outbox o
       where o.sequence = any($1::bigint[]) and o.shared_at is not null
         and o.streamed_at < ${NOW_ONCE} - interval '${KEPT.streamed}'
         and not exists (
           select from webhook_delivery d join webhook w on w.id = d.webhook_id and w.removed_at is null
           where d.sequence = o.sequence and (d.status = 'PENDING' or d.ended_at > ${NOW_ONCE}
             - case d.status when 'DEAD' then interval '${KEPT.dead}' else interval '${KEPT.delivered}' end))
     ), undone as (
       delete from webhook_delivery d using forgotten f where d.sequence = f.sequence
     )
     delete from outbox o using forgotten f where o.sequence = f.sequence`),
    [old],
  );
  return old.length < MAX_AT_ONCE ? undefined : old.at(-1);
}
