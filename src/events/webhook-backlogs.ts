import type { EntityManager } from '@mikro-orm/core';
import { prepared, sql } from '../platform/postgres.ts';
import type { OutboxRow } from './envelope.ts';

/*
 * A backlog is what waits for one webhook of one aggregate. It is a row of `webhook_backlog` as long as something waits; its
 * deliveries are made one after another by the process that has claimed it, so that a failing event holds back only its
 * aggregate at its webhook.
 */

/** Appends events, in `em`'s transaction, to the backlogs of the webhooks that want them. */
export async function shareWithWebhooks(em: EntityManager, events: readonly OutboxRow[]): Promise<void> {
  await sql(
    em,
    prepared(`with shared as (
       insert into webhook_delivery (webhook_id, sequence, aggregate)
       select w.id, u.sequence, u.aggregate
       from unnest($1::bigint[], $2::uuid[], $3::text[], $4::timestamptz[]) as u (sequence, aggregate, type, occurred_at)
         join webhook w on u.type = any(w.events) and w.removed_at is null and w.created_at <= u.occurred_at
       on conflict do nothing returning webhook_id, aggregate
     )
     ${UPSERT_BACKLOGS} from shared group by webhook_id, aggregate order by webhook_id, aggregate
     ${ON_KNOWN_BACKLOG}`),
    [
      events.map(({ sequence }) => sequence),
      events.map(({ aggregate }) => aggregate),
      events.map(({ type }) => type),
      events.map(({ occurredAt }) => occurredAt),
    ],
  );
}

const UPSERT_BACKLOGS = `insert into webhook_backlog (webhook_id, aggregate, due_at)
  select webhook_id, aggregate, clock_timestamp()`;

/**
 * A backlog that is there stays as it is. The statement locks its row all the same: it waits for a process that is just
 * deleting it, and makes it anew.
 */
const ON_KNOWN_BACKLOG = 'on conflict (webhook_id, aggregate) do update set due_at = webhook_backlog.due_at';

/** Dead letters that wait again after one transaction. */
const MAX_REVIVED = 1_000;

/**
 * Makes dead letters wait again, in `em`'s transaction: at most 1,000, the oldest first. They are tried for another day.
 * @param webhookId whose; null for all webhooks
 * @returns how many
 */
export async function reviveDeadLetters(em: EntityManager, webhookId: string | null): Promise<number> {
  const revived = await sql<{ webhookId: string; aggregate: string }>(
    em,
    `update webhook_delivery d set status = 'PENDING', ended_at = null, attempts = 0, waiting_since = clock_timestamp()
     from (
       select d.webhook_id, d.sequence from webhook_delivery d join webhook w on w.id = d.webhook_id
       where d.status = 'DEAD' and w.removed_at is null and ($1::uuid is null or w.id = $1)
       order by d.sequence, d.webhook_id limit ${MAX_REVIVED} for update of d skip locked
     ) dead
     where d.webhook_id = dead.webhook_id and d.sequence = dead.sequence
     returning d.webhook_id as "webhookId", d.aggregate`,
    [webhookId],
  );
  if (revived.length === 0) return 0;
  await sql(
    em,
    `${UPSERT_BACKLOGS} from unnest($1::uuid[], $2::uuid[]) as u (webhook_id, aggregate)
     group by webhook_id, aggregate order by webhook_id, aggregate ${ON_KNOWN_BACKLOG}`,
    [revived.map((one) => one.webhookId), revived.map(({ aggregate }) => aggregate)],
  );
  return revived.length;
}

/**
 * Claims the backlog of a webhook that is due for the longest time. A claim that is not ended lapses after `leaseMs`,
 * when its process has failed.
 * @returns its aggregate; undefined when none is due
 */
export async function claimBacklog(
  em: EntityManager,
  { webhookId, claim, leaseMs }: { webhookId: string; claim: string; leaseMs: number },
): Promise<string | undefined> {
  const [row] = await sql<{ aggregate: string }>(
    em,
    prepared(`update webhook_backlog b set claim = $2, due_at = clock_timestamp() + $3 * interval '1 millisecond'
     from (
       select aggregate from webhook_backlog where webhook_id = $1 and due_at <= (select clock_timestamp())
       order by due_at limit 1 for update skip locked
     ) due
     where b.webhook_id = $1 and b.aggregate = due.aggregate returning b.aggregate`),
    [webhookId, claim, leaseMs],
  );
  return row?.aggregate;
}

/**
 * Ends a claim: the backlog goes when nothing waits in it, else it is due again.
 * @param waitMs milliseconds until then
 */
export async function endClaim(
  em: EntityManager,
  { webhookId, aggregate, claim, waitMs }: { webhookId: string; aggregate: string; claim: string; waitMs: number },
): Promise<void> {
  await em.transactional(async (inner) => {
    const mine = await sql(
      inner,
      prepared(
        `select aggregate from webhook_backlog where webhook_id = $1 and aggregate = $2 and claim = $3 for update`,
      ),
      [webhookId, aggregate, claim],
    );
    if (mine.length === 0) return;
    // Statements of their own: they see what was appended before the backlog was locked.
    const kept = await sql(
      inner,
      prepared(`update webhook_backlog b set claim = null, due_at = clock_timestamp() + $3 * interval '1 millisecond'
       where b.webhook_id = $1 and b.aggregate = $2 and exists (
         select from webhook_delivery d where d.webhook_id = $1 and d.aggregate = $2 and d.status = 'PENDING')
       returning b.aggregate`),
      [webhookId, aggregate, waitMs],
    );
    if (kept.length > 0) return;
    await sql(inner, prepared('delete from webhook_backlog where webhook_id = $1 and aggregate = $2'), [
      webhookId,
      aggregate,
    ]);
  });
}
