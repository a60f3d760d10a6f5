import type { EntityManager } from '@mikro-orm/core';
import { noteSales } from '../concerts/judge-sold-out.job.ts';
import { isUnavailable } from '../platform/faults.ts';
import type { Job } from '../platform/jobs.ts';
import { forkOf, type Platform, perProcess } from '../platform/platform.ts';
import { anyOf, prepared, sql } from '../platform/postgres.ts';
import { SECOND } from '../platform/units.ts';
import { envelopeOf, OUTBOX_COLUMNS, type OutboxRow } from './envelope.ts';
import { addToStream } from './stream.ts';
import { shareWithWebhooks } from './webhook-backlogs.ts';

/** Events that one pass takes. */
const MAX_EVENTS = 500;
/** Passes of one run of the job, which must not last too long. */
const MAX_PASSES = 40;
const EVERY_MS = 200;

interface Waiting extends OutboxRow {
  readonly isStreamed: boolean;
  readonly isShared: boolean;
}

/**
 * Takes events from the outbox to the stream in Redis and to the backlogs of webhooks: each at least once, those of an
 * aggregate in their order. Every process runs it. A pass leases the partitions of the outbox that no other relay has
 * by locking their rows; the lease ends with its transaction, which PostgreSQL ends after five seconds without a
 * command. Rows are found by their marks and never by a position: an event may be committed after one with a higher
 * sequence.
 */
export const relayEvents: Job = {
  name: 'relay-events',
  everyMs: EVERY_MS,
  async run(platform) {
    for (let pass = 0; pass < MAX_PASSES && (await relayOnce(platform)) === MAX_EVENTS; pass++);
  },
};

/** One pass. @returns how many events it has taken */
async function relayOnce(platform: Platform): Promise<number> {
  return forkOf(platform).transactional(async (em) => {
    const parts = await leaseParts(em);
    if (parts.length === 0) return 0;
    const waiting = await sql<Waiting>(
      em,
      prepared(`select ${OUTBOX_COLUMNS}, o.streamed_at is not null as "isStreamed", o.shared_at is not null as "isShared"
       from outbox o where o.part = ${anyOf(1, 'smallint')} and (o.shared_at is null or (o.streamed_at is null and not $2))
       order by o.sequence limit ${MAX_EVENTS}`),
      [parts, redisUntil(platform).at > performance.now()],
    );
    if (waiting.length === 0) return 0;
    const unshared = waiting.filter(({ isShared }) => !isShared);
    if (unshared.length > 0) {
      await shareWithWebhooks(em, unshared);
      await noteSales(em, unshared);
    }
    const isStreamed = await stream(platform, waiting);
    await sql(
      em,
      prepared(`update outbox set shared_at = coalesce(shared_at, clock_timestamp()),
         streamed_at = case when $2 then clock_timestamp() else streamed_at end
       where sequence = ${anyOf(1, 'bigint')}`),
      [waiting.map(({ sequence }) => sequence), isStreamed],
    );
    return waiting.length;
  });
}

/** Locks the partitions in which events wait, and that no other relay has. */
async function leaseParts(em: EntityManager): Promise<number[]> {
  const rows = await sql<{ part: number }>(
    em,
    prepared(`select p.part from outbox_part p where exists (
       select from outbox o where o.part = p.part and (o.streamed_at is null or o.shared_at is null)
     ) order by p.part for update skip locked`),
  );
  return rows.map(({ part }) => part);
}

/** Until when (ms of `performance.now()`) the process does not try the stream, because Redis took nothing. */
const redisUntil = perProcess(() => ({ at: 0 }));
const TRY_AGAIN_MS = 1 * SECOND;

/**
 * Adds to the stream what it does not have. @returns false while Redis takes nothing: the events wait for it, and go to
 * webhooks meanwhile
 */
async function stream(platform: Platform, waiting: readonly Waiting[]): Promise<boolean> {
  if (redisUntil(platform).at > performance.now()) return false;
  try {
    const events = waiting.filter(({ isStreamed }) => !isStreamed).map((row) => JSON.stringify(envelopeOf(row)));
    await addToStream(platform, events);
    return true;
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    platform.log.debug({ error: String(error) }, 'events wait for Redis');
    redisUntil(platform).at = performance.now() + TRY_AGAIN_MS;
    return false;
  }
}
