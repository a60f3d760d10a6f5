import { Field, Int, ObjectType } from 'type-graphql';
import {
  type Connection,
  connectionOf,
  idKey,
  keysetSql,
  numberKey,
  type PageArgs,
  pageOf,
  toConnection,
} from '../api/connection.ts';
import type { Batch, Context } from '../api/context.ts';
import { DateTime } from '../api/scalars.ts';
import { sql } from '../platform/postgres.ts';
import { type Envelope, envelopeOf, OUTBOX_COLUMNS, type OutboxRow } from './envelope.ts';
import { SalesEvent, toSalesEvent } from './sales-event.ts';
import { Webhook } from './webhook.ts';

@ObjectType({ description: 'An event that a webhook did not take for a day. It is kept for 30 days' })
export class DeadLetter {
  @Field(() => Webhook, { description: 'The webhook that did not take it' })
  webhook!: Webhook;

  @Field(() => SalesEvent, { description: 'The event' })
  event!: SalesEvent;

  @Field(() => Int, { description: 'How often it was tried' })
  attempts!: number;

  @Field(() => String, { description: 'Why the last attempt failed, such as HTTP 500 or TIMEOUT' })
  lastError!: string;

  @Field(() => DateTime, { description: 'When it was given up' })
  diedAt!: Date;

  /** Its place in the list. */
  sequence!: number;
}

export const DeadLetterConnection = connectionOf('DeadLetter', DeadLetter);

/** Events that wait for a webhook are counted up to this number. */
export const MAX_COUNTED = 10_000;

/** The place of a dead letter in the list: several webhooks may have one of the same event. */
interface Key {
  readonly sequence: number;
  readonly webhookId: string;
}

function readKey(text: string): Key | undefined {
  const [digits = '', id = '', ...others] = text.split(' ');
  const [sequence, webhookId] = [numberKey(digits), others.length > 0 ? undefined : idKey(id)];
  return sequence === undefined || webhookId === undefined ? undefined : { sequence, webhookId };
}

/** The webhooks that are not removed, the oldest first. */
export function readWebhooks({ em }: Context): Promise<Webhook[]> {
  return em.find(Webhook, { removedAt: null }, { orderBy: { id: 'asc' }, disableIdentityMap: true });
}

/** What waits for a webhook, and how its last delivery went. */
export interface Traffic {
  readonly pending: number;
  readonly lastError: string | null;
  readonly deliveredAt: Date | null;
}

/** Loads the traffic of webhooks. */
export const trafficOfWebhooks: Batch<Traffic> = async ({ em }, ids) => {
  const rows = await sql<Traffic & { id: string }>(
    em,
    `select w.id,
       (select count(*)::int from (
          select from webhook_delivery d where d.webhook_id = w.id and d.status = 'PENDING' and w.removed_at is null
          limit ${MAX_COUNTED}) waiting) as pending,
       (select d.last_error from webhook_delivery d where d.webhook_id = w.id and d.status <> 'DELIVERED'
          and d.last_error is not null order by d.sequence desc limit 1) as "lastError",
       (select max(d.ended_at) from webhook_delivery d where d.webhook_id = w.id and d.status = 'DELIVERED') as "deliveredAt"
     from webhook w where w.id = any($1)`,
    [ids],
  );
  const found = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => found.get(id) as Traffic);
};

/** Reads a page of the dead letters of all webhooks that are not removed, the newest events first. */
export async function readDeadLetters({ em }: Context, args: PageArgs): Promise<Connection<DeadLetter>> {
  const page = pageOf('deadLetter', args, readKey);
  const params: unknown[] = [];
  const { conditions, order } = keysetSql(page, ['d.sequence', 'd.webhook_id'], 'desc', (key) => [
    `$${params.push(key.sequence)}::bigint`,
    `$${params.push(key.webhookId)}::uuid`,
  ]);
  const rows = await sql<OutboxRow & { webhookId: string; attempts: number; lastError: string; diedAt: Date }>(
    em,
    `select ${OUTBOX_COLUMNS}, d.webhook_id as "webhookId", d.attempts, d.last_error as "lastError", d.ended_at as "diedAt"
     from webhook_delivery d join webhook w on w.id = d.webhook_id and w.removed_at is null
       join outbox o on o.sequence = d.sequence
     where ${["d.status = 'DEAD'", ...conditions].join(' and ')} ${order}`,
    params,
  );
  const ids = rows.map(({ webhookId }) => webhookId);
  const webhooks = new Map((await em.find(Webhook, { id: { $in: ids } })).map((webhook) => [webhook.id, webhook]));
  const letters = rows.map((row) =>
    Object.assign(new DeadLetter(), {
      webhook: webhooks.get(row.webhookId) as Webhook,
      event: toSalesEvent(JSON.parse(envelopeOf(row)) as Envelope),
      attempts: row.attempts,
      lastError: row.lastError,
      diedAt: row.diedAt,
      sequence: row.sequence,
    }),
  );
  return toConnection(page, letters, ({ sequence, webhook }) => `${sequence} ${webhook.id}`);
}
