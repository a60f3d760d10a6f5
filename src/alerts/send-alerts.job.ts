import type { EntityManager } from '@mikro-orm/core';
import type { Job } from '../platform/jobs.ts';
import { forkOf, type Platform } from '../platform/platform.ts';
import { NOW_ONCE, prepared, sql } from '../platform/postgres.ts';
import { SECOND } from '../platform/units.ts';
import { POST_TIMEOUT_MS, type Posting, postAlert } from './post-alert.ts';

const MAX_ATTEMPTS = 5;
const MAX_AT_ONCE = 20;

/** How long an alert is its sender's: as long as it may take to begin, and to post, and as much again. */
const LEASE_MS = 4 * POST_TIMEOUT_MS;
/** A sender that was held up for longer after it claimed does not begin any more. */
const MAX_DELAY_MS = POST_TIMEOUT_MS;

/** Waited after the first failure; each further one waits four times as long, less up to half by chance. */
const FIRST_WAIT_SECONDS = 10;
const WAIT_FACTOR = 4;

/** An alert that is this process's to send. */
interface Claimed extends Posting {
  /** This try included. With the id it says who may write what came of it: nobody who was overtaken. */
  readonly attempts: number;
}

/**
 * Sends what is due: at least once each, by one sender at a time. The try is counted and leased before it begins, and no
 * transaction is open while it lasts; one whose process died is due again when the lease ends.
 */
export const sendAlerts: Job = {
  name: 'send-alerts',
  everyMs: SECOND,
  async run(platform) {
    const em = forkOf(platform);
    const begunAt = performance.now();
    await giveUpInterrupted(em);
    const claimed = await claim(em);
    const ends = await Promise.allSettled(claimed.map((alert) => send(platform, alert, begunAt)));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  },
};

const IS_DUE = `status = 'SCHEDULED' and due_at <= ${NOW_ONCE}`;

/** A last try whose process died, or could not tell what came of it, has no other after it. */
async function giveUpInterrupted(em: EntityManager): Promise<void> {
  const text = `update alert set status = 'FAILED', last_error = 'INTERRUPTED' where ${IS_DUE} and attempts >= $1`;
  await sql(em, prepared(text), [MAX_ATTEMPTS]);
}

function claim(em: EntityManager): Promise<Claimed[]> {
  const text = `
    with due as materialized (
      select id from alert where ${IS_DUE} and attempts < $1 order by due_at limit $2 for update skip locked)
    update alert a set attempts = a.attempts + 1, due_at = clock_timestamp() + make_interval(secs => $3)
    from due, alert_channel c where a.id = due.id and c.id = a.channel_id
    returning a.id, a.text, (extract(epoch from a.send_at) * 1000)::float8 as "sendAt", a.attempts, c.kind, c.url`;
  return sql<Claimed>(em, prepared(text), [MAX_ATTEMPTS, MAX_AT_ONCE, LEASE_MS / SECOND]);
}

async function send(platform: Platform, alert: Claimed, begunAt: number): Promise<void> {
  if (performance.now() - begunAt > MAX_DELAY_MS) return;
  const failure = await postAlert(alert, platform.config);
  const em = forkOf(platform);
  if (failure === null) await noteSent(em, alert);
  else await noteFailure(em, alert, failure);
  if (failure !== null && alert.attempts >= MAX_ATTEMPTS) {
    platform.log.warn({ alert: alert.id, failure }, 'an alert could not be sent and is given up');
  }
}

async function noteSent(em: EntityManager, { id, attempts }: Claimed): Promise<void> {
  const text = `update alert set status = 'SENT', last_error = null
    where id = $1 and attempts = $2 and status = 'SCHEDULED'`;
  await sql(em, prepared(text), [id, attempts]);
}

async function noteFailure(em: EntityManager, { id, attempts }: Claimed, failure: string): Promise<void> {
  const text = `update alert set status = case when attempts < $3 then 'SCHEDULED' else 'FAILED' end, last_error = $4,
      due_at = clock_timestamp() + make_interval(secs => $5)
    where id = $1 and attempts = $2 and status = 'SCHEDULED'`;
  const most = FIRST_WAIT_SECONDS * WAIT_FACTOR ** (attempts - 1);
  await sql(em, prepared(text), [id, attempts, MAX_ATTEMPTS, failure, most * (1 - Math.random() / 2)]);
}
