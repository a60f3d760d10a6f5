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
  readonly part: number;
  readonly isShared: boolean;
}

/**
 * Takes events from the outbox to the stream in Redis and to the backlogs of webhooks: each at least once, those of an
 * aggregate in their order. Every process runs it. A pass leases the partitions of the outbox that no other relay has
 * by locking their rows; the lease ends with its transaction, which PostgreSQL ends after five seconds without a
 * command. Rows are found by their marks and never by a position: an event may be committed after one with a higher
 * sequence. While Redis takes nothing, events go to webhooks and wait for the stream.
 */
export const relayEvents: Job = {
  name: 'relay-events',
  everyMs: EVERY_MS,
  async run(platform) {
    for (let pass = 0; pass < MAX_PASSES; pass++) if (!(await relayOnce(platform))) return;
  },
};

/** Until when (ms of `performance.now()`) the process leaves the stream alone, because Redis took nothing. */
const streams = perProcess(() => ({ awayUntil: 0 }));
const TRY_AGAIN_MS = 1 * SECOND;

/**
 * One pass. Redis is asked before webhooks are, so that no row of theirs is locked meanwhile.
 * @returns whether more may wait
 */
function relayOnce(platform: Platform): Promise<boolean> {
  const isStreaming = performance.now() >= streams(platform).awayUntil;
  return forkOf(platform).transactional(async (em) => {
    const { waiting, isMore } = await leaseWaiting(em, isStreaming ? 'streamed_at' : 'shared_at');
    if (waiting.length === 0) return false;
    const isStreamed = isStreaming && (await stream(platform, waiting));
    const unshared = waiting.filter(({ isShared }) => !isShared);
    if (unshared.length > 0) {
      await shareWithWebhooks(em, unshared);
      await noteSales(em, unshared);
    }
    await sql(
      em,
      prepared(`update outbox set shared_at = coalesce(shared_at, clock_timestamp()),
         streamed_at = case when $2 then clock_timestamp() else streamed_at end
       where sequence = ${anyOf(1, 'bigint')}`),
      [waiting.map(({ sequence }) => sequence), isStreamed],
    );
    return isMore;
  });
}

/**
 * Locks the partitions that no other relay has, and reads the first events in each of them without the mark.
 * @returns them by sequence, and whether a partition has more
 */
async function leaseWaiting(
  em: EntityManager,
  mark: 'streamed_at' | 'shared_at',
): Promise<{ waiting: Waiting[]; isMore: boolean }> {
  const parts = await sql<{ part: number }>(
    em,
    prepared(`select p.part from outbox_part p
     where exists (select from outbox o where o.part = p.part and o.${mark} is null)
     order by p.part for update skip locked`),
  );
  if (parts.length === 0) return { waiting: [], isMore: false };
  const limit = Math.ceil(MAX_EVENTS / parts.length);
  const waiting = await sql<Waiting>(
    em,
    prepared(`select o.* from unnest($1::smallint[]) as p (part) cross join lateral (
       select ${OUTBOX_COLUMNS}, o.part, o.shared_at is not null as "isShared"
       from outbox o where o.part = p.part and o.${mark} is null order by o.sequence limit $2
     ) o order by o.sequence`),
    [parts.map(({ part }) => part), limit],
  );
  const isMore = [...Map.groupBy(waiting, ({ part }) => part).values()].some((of) => of.length === limit);
  return { waiting, isMore };
}

/** Adds events to the stream. @returns false when Redis did not take them all: they wait, and some may come twice */
async function stream(platform: Platform, waiting: readonly Waiting[]): Promise<boolean> {
  try {
    await addToStream(platform, waiting.map(envelopeOf));
    return true;
  } catch (error) {
    const level = isUnavailable(error) ? 'debug' : 'warn';
    platform.log[level]({ error: String(error) }, 'events wait for the stream in Redis');
    streams(platform).awayUntil = performance.now() + TRY_AGAIN_MS;
    return false;
  }
}
