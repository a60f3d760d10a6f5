import { randomUUID } from 'node:crypto';
import { Agent } from 'node:https';
import pLimit from 'p-limit';
import { Webhook as Signer } from 'standardwebhooks';
import { raiseAlert } from '../alerts/raise-alert.ts';
import type { Job } from '../platform/jobs.ts';
import { POST_TIMEOUT_MS, postJson } from '../platform/outgoing.ts';
import { forkOf, type Platform, perProcess } from '../platform/platform.ts';
import { NOW_ONCE, prepared, sql } from '../platform/postgres.ts';
import { HOUR, SECOND } from '../platform/units.ts';
import { envelopeOf, OUTBOX_COLUMNS, type OutboxRow } from './envelope.ts';
import { Webhook } from './webhook.ts';
import { claimBacklog, endClaim } from './webhook-backlogs.ts';

/** Backlogs of one webhook that a process works on at once: one that hangs uses up nobody else's. */
const MAX_BACKLOGS = 8;
/** Events of a backlog that are posted under one claim. */
const MAX_EVENTS = 20;
/** Milliseconds that a claim lasts, and after which no further event is posted under it. */
const LEASE_MS = 12 * SECOND;
const MAX_WORK_MS = LEASE_MS - 2 * POST_TIMEOUT_MS;

/** Milliseconds to wait after the first failure, doubled with each further one; chance removes up to a quarter. */
const FIRST_WAIT_MS = 5 * SECOND;
const MAX_WAIT_MS = 1 * HOUR;
/** Milliseconds of waiting from which an event that fails is a dead letter. */
const MAX_TRYING_MS = 24 * HOUR;

/** Webhooks that this process is posting to. */
const working = perProcess(({ closing }) => {
  const state = { webhooks: new Map<string, Promise<void>>(), isClosing: false };
  closing.push(async () => {
    state.isClosing = true;
    await Promise.all(state.webhooks.values());
  });
  return state;
});

/**
 * Posts what waits for webhooks, each webhook apart from the others. An event that fails is tried again, ever later,
 * for a day; then it is a dead letter, and the events behind it go on.
 */
export const deliverWebhooks: Job = {
  name: 'deliver-webhooks',
  everyMs: SECOND / 4,
  async run(platform) {
    const due = await sql<{ id: string }>(
      forkOf(platform),
      prepared(`select w.id from webhook w where w.removed_at is null and exists (
         select from webhook_backlog b where b.webhook_id = w.id and b.due_at <= ${NOW_ONCE})`),
    );
    const { webhooks, isClosing } = working(platform);
    for (const { id } of due) {
      if (isClosing || webhooks.has(id)) continue;
      const work = deliverAll(platform, id)
        .catch((error: unknown) => platform.log.warn({ webhook: id, error: String(error) }, 'posting events failed'))
        .finally(() => webhooks.delete(id));
      webhooks.set(id, work);
    }
  },
};

/** Statements of deliveries that a process makes at once: purchases need the connections more. */
const statements = perProcess(() => pLimit(2));

/** Works on backlogs of a webhook until none is due. */
async function deliverAll(platform: Platform, webhookId: string): Promise<void> {
  // Connections are kept while there is something to post; each leads to an address that was checked when it was made.
  const agent = new Agent({ keepAlive: true, maxSockets: MAX_BACKLOGS });
  const workOnBacklogs = async (): Promise<void> => {
    while (!working(platform).isClosing && (await deliverNext(platform, webhookId, agent)));
  };
  const ends = await Promise.allSettled(Array.from({ length: MAX_BACKLOGS }, workOnBacklogs));
  agent.destroy();
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

/** Works on one backlog that is due. @returns false when there is none, or the webhook was removed */
async function deliverNext(platform: Platform, webhookId: string, agent: Agent): Promise<boolean> {
  const within = statements(platform);
  const claim = randomUUID();
  const begunAt = performance.now();
  const aggregate = await within(() => claimBacklog(forkOf(platform), { webhookId, claim, leaseMs: LEASE_MS }));
  if (aggregate === undefined) return false;
  // Read anew for each backlog: it may have been removed, or have another secret.
  const webhook = await within(() => forkOf(platform).findOne(Webhook, { id: webhookId, removedAt: null }));
  if (!webhook) return false;
  const waitMs = await deliverBacklog(platform, { webhook, agent }, aggregate, begunAt);
  await within(() => endClaim(forkOf(platform), { webhookId, aggregate, claim, waitMs }));
  return true;
}

/** Posts the events of a backlog in their order, up to the first that fails. @returns ms until the backlog is due again */
async function deliverBacklog(
  platform: Platform,
  { webhook, agent }: { readonly webhook: Webhook; readonly agent: Agent },
  aggregate: string,
  begunAt: number,
): Promise<number> {
  const rows = await statements(platform)(() =>
    sql<OutboxRow>(
      forkOf(platform),
      prepared(`select ${OUTBOX_COLUMNS} from webhook_delivery d join outbox o on o.sequence = d.sequence
       where d.webhook_id = $1 and d.aggregate = $2 and d.status = 'PENDING' order by d.sequence limit ${MAX_EVENTS}`),
      [webhook.id, aggregate],
    ),
  );
  for (const row of rows) {
    if (performance.now() - begunAt > MAX_WORK_MS) return 0;
    const failure = await postEvent(platform, webhook, row, agent);
    const { log } = platform;
    const { id: event, type, requestId } = row;
    if (failure === null) {
      await noteDelivered(platform, webhook, row);
      log.debug({ webhook: webhook.id, event, type, requestId }, 'an event was posted');
      continue;
    }
    const { attempts, isDead } = await noteFailure(platform, webhook, row, failure);
    if (attempts === 0) return 0;
    if (!isDead) {
      log.debug({ webhook: webhook.id, event, type, requestId, failure, attempts }, 'posting an event failed');
      return waitAfter(attempts);
    }
    log.warn({ webhook: webhook.id, event, type, requestId, failure, attempts }, 'an event became a dead letter');
    const text = `Webhook ${webhook.id} has not taken events for a day (${failure}): they are dead letters now.`;
    raiseAlert(platform, 'DEAD_LETTERS', text, { subject: webhook.id });
  }
  return 0;
}

/** Posts one event. @returns null when it was taken, else the reason, as `postJson` gives it */
async function postEvent({ config }: Platform, webhook: Webhook, row: OutboxRow, agent: Agent): Promise<string | null> {
  const body = envelopeOf(row);
  const now = new Date();
  const headers = {
    'content-type': 'application/cloudevents+json',
    'webhook-id': row.id,
    'webhook-timestamp': String(Math.floor(now.getTime() / SECOND)),
    'webhook-signature': webhook
      .secretsAt(now)
      .map((secret) => new Signer(secret).sign(row.id, now, body))
      .join(' '),
  };
  return postJson(webhook.url, body, headers, config, agent);
}

async function noteDelivered(platform: Platform, { id }: Webhook, { sequence }: OutboxRow): Promise<void> {
  const text = prepared(`update webhook_delivery set status = 'DELIVERED', attempts = attempts + 1, last_error = null,
     ended_at = clock_timestamp() where webhook_id = $1 and sequence = $2 and status = 'PENDING'`);
  await statements(platform)(() => sql(forkOf(platform), text, [id, sequence]));
}

/**
 * Counts a failed try. An event that has waited for a day is a dead letter; what waited behind it is tried next.
 * @returns how often it was tried, 0 when another process has delivered it meanwhile; whether it is a dead letter now
 */
async function noteFailure(
  platform: Platform,
  { id }: Webhook,
  { sequence }: OutboxRow,
  failure: string,
): Promise<{ attempts: number; isDead: boolean }> {
  const isOld = `waiting_since <= clock_timestamp() - ${MAX_TRYING_MS} * interval '1 millisecond'`;
  const text = prepared(`update webhook_delivery set attempts = attempts + 1, last_error = $3,
       status = case when ${isOld} then 'DEAD' else status end, ended_at = case when ${isOld} then clock_timestamp() end
     where webhook_id = $1 and sequence = $2 and status = 'PENDING' returning attempts, status = 'DEAD' as "isDead"`);
  const [noted] = await statements(platform)(() =>
    sql<{ attempts: number; isDead: boolean }>(forkOf(platform), text, [id, sequence, failure]),
  );
  return noted ?? { attempts: 0, isDead: false };
}

function waitAfter(attempts: number): number {
  const longest = Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** (attempts - 1));
  return longest * (1 - Math.random() / 4);
}
