import { raw } from '@mikro-orm/core';
import { writeOutbox } from '../commands/outbox.ts';
import type { Job } from '../platform/jobs.ts';
import { loadScript, runScript } from '../platform/lua.ts';
import { forkOf, type Platform, perProcess } from '../platform/platform.ts';
import { NOW_ONCE } from '../platform/postgres.ts';
import { SECOND } from '../platform/units.ts';
import { openQueue } from './draw/open-queue.ts';
import { channelOf, liveQueues, pushSettings, queueKey, retire, tellEmpty } from './line/line.ts';
import { Queue, QueueState, queueEvent } from './queue.ts';

const TICK = loadScript(import.meta.url, 'line/tick');
const TICK_MS = 250;
/** A tick sooner than this after the last one, which another process may have made, is left out. */
const MIN_TICK_MS = 200;

/** Queues in one run of a job. */
const MAX_QUEUES = 100;

/** Results of tick.lua. */
const EMPTY = 0;
const TO_BE_DRAWN = 2;

/** Whether Redis came back since the last run, and the queues whose tick has not been told of the outage yet. */
const outages = perProcess(({ messages, closing }) => {
  const state = { isOver: false, pending: new Set<string>() };
  closing.push(
    messages.onGap(() => {
      state.isOver = true;
    }),
  );
  return state;
});

/** Ticks every queue that has people in it. Every process runs it; the first to come does the work. */
export const queueTick: Job = {
  name: 'queue-tick',
  everyMs: TICK_MS,
  async run(platform) {
    const outage = outages(platform);
    const live = await liveQueues(platform);
    if (outage.isOver) outage.pending = new Set(live);
    outage.isOver = false;
    const outcomes = await Promise.allSettled(live.map((queueId) => tick(platform, queueId, outage.pending)));
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') throw outcome.reason;
    }
  },
};

/**
 * @param afterOutage queues in which every holder counts as seen, after an outage of Redis; a tick removes its queue
 */
async function tick(platform: Platform, queueId: string, afterOutage: Set<string>): Promise<void> {
  const args = [MIN_TICK_MS, channelOf(queueId).name, afterOutage.has(queueId) ? 1 : 0];
  const outcome = await runScript<number>(platform.redis, TICK, queueKey(queueId), args);
  afterOutage.delete(queueId);
  if (outcome === EMPTY && (await retire(platform, queueId))) void tellDrained(platform, queueId);
  if (outcome === TO_BE_DRAWN) void open(platform, queueId);
}

/**
 * Emits, beside the ticks, that nobody waits or is ACTIVE any more. A process that ends right after it may have it told
 * twice.
 */
async function tellDrained(platform: Platform, queueId: string): Promise<void> {
  const event = queueEvent('queue.drained.v1', queueId);
  try {
    await tellEmpty(platform, queueId, () => writeOutbox(forkOf(platform), [{ event, requestId: undefined }]));
  } catch (error) {
    platform.log.warn(
      { queueId, error: String(error) },
      'telling that a queue is empty failed and will be tried again',
    );
  }
}

/** Runs beside the ticks; after a failure the next tick tries again. */
async function open(platform: Platform, queueId: string): Promise<void> {
  try {
    await openQueue(platform, queueId);
  } catch (error) {
    platform.log.warn({ queueId, error: String(error) }, 'opening a queue failed and will be tried again');
  }
}

/** Writes to Redis the settings that changed while it was unreachable. */
export const queueSettings: Job = {
  name: 'queue-settings',
  everyMs: 2 * SECOND,
  async run(platform) {
    const behind = { appliedVersion: { $lt: raw('version') } };
    for (const queue of await forkOf(platform).find(Queue, behind, { limit: MAX_QUEUES })) {
      await pushSettings(platform, queue);
    }
  },
};

/** Opens SCHEDULED queues without people, which have no ticks. */
export const queueOpening: Job = {
  name: 'queue-opening',
  everyMs: SECOND,
  async run(platform) {
    const due = { state: QueueState.SCHEDULED, opensAt: { $lte: raw(NOW_ONCE) } };
    for (const queue of await forkOf(platform).find(Queue, due, { limit: MAX_QUEUES })) {
      await pushSettings(platform, queue);
      await open(platform, queue.id);
    }
  },
};
