import { raw } from '@mikro-orm/core';
import type { Job } from '../platform/jobs.ts';
import { loadScript, runScript } from '../platform/lua.ts';
import { forkOf, type Platform, perProcess } from '../platform/platform.ts';
import { NOW_ONCE } from '../platform/postgres.ts';
import { SECOND } from '../platform/units.ts';
import { openQueue } from './draw/open-queue.ts';
import { channelOf, liveQueues, pushSettings, queueKey, retire } from './line/line.ts';
import { Queue, QueueState } from './queue.ts';

const TICK = loadScript(import.meta.url, 'line/tick');
const TICK_MS = 250;
/** Processes take turns: a tick asked for sooner than this after the last one is left out. */
const MIN_TICK_MS = 200;

/** Queues that one run of a job sees to. */
const MAX_QUEUES = 100;

/** What tick.lua answers. */
const EMPTY = 0;
const TO_BE_DRAWN = 2;

/** Whether Redis came back to this process since the last look at all queues, and which of them are yet to be told. */
const outages = perProcess(({ messages, closing }) => {
  const state = { isOver: false, untold: new Set<string>() };
  closing.push(
    messages.onGap(() => {
      state.isOver = true;
    }),
  );
  return state;
});

/** Ticks every queue that has people in it; whichever process comes first does the work. */
export const queueTick: Job = {
  name: 'queue-tick',
  everyMs: TICK_MS,
  async run(platform) {
    const outage = outages(platform);
    const live = await liveQueues(platform);
    if (outage.isOver) outage.untold = new Set(live);
    outage.isOver = false;
    const outcomes = await Promise.allSettled(live.map((queueId) => tick(platform, queueId, outage.untold)));
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') throw outcome.reason;
    }
  },
};

/** @param untold queues in which everybody counts as seen now, as Redis was away; this one no longer, once it is told */
async function tick(platform: Platform, queueId: string, untold: Set<string>): Promise<void> {
  const args = [MIN_TICK_MS, channelOf(queueId).name, untold.has(queueId) ? 1 : 0];
  const outcome = await runScript<number>(platform.redis, TICK, queueKey(queueId), args);
  untold.delete(queueId);
  if (outcome === EMPTY) await retire(platform, queueId);
  if (outcome === TO_BE_DRAWN) void open(platform, queueId);
}

/** Beside the ticks, which go on meanwhile; the next one tries again. */
async function open(platform: Platform, queueId: string): Promise<void> {
  try {
    await openQueue(platform, queueId);
  } catch (error) {
    platform.log.warn({ queueId, error: String(error) }, 'the opening of a queue failed and will be taken up again');
  }
}

/** Tells Redis the settings that it missed because it was away when they changed. */
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

/** Opens the SCHEDULED queues into which nobody has come: without people they have no ticks. */
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
