import type { Job } from '../platform/jobs.ts';
import { loadScript, runScript } from '../platform/lua.ts';
import { forkOf, type Platform, perProcess } from '../platform/platform.ts';
import { sql } from '../platform/postgres.ts';
import { SECOND } from '../platform/units.ts';
import { liveQueues, retire } from './live-queues.ts';
import { openQueue } from './open-queue.ts';
import { pushSettings } from './push-settings.ts';
import { Queue } from './queue.ts';
import { queueKey } from './queue-keys.ts';
import { ticksOf } from './queue-message.ts';

const TICK = loadScript(import.meta.url, 'tick');
const TICK_MS = 250;
/** Processes take turns: a tick asked for sooner than this after the last one is left out. */
const LEAST_MS = 200;

/** What tick.lua answers. */
const EMPTY = 0;
const TO_BE_DRAWN = 2;

/** How often Redis came back to this process, and how many of these times the ticks know of. */
const outages = perProcess(({ messages, closing }) => {
  const state = { ended: 0, told: 0 };
  closing.push(
    messages.onGap(() => {
      state.ended += 1;
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
    const { ended, told } = outage;
    const live = await liveQueues(platform);
    const forgive = ended > told ? 1 : 0;
    const outcomes = await Promise.allSettled(live.map((queueId) => tick(platform, queueId, forgive)));
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') throw outcome.reason;
    }
    outage.told = ended;
  },
};

/** @param forgive 1: everybody counts as seen now */
async function tick(platform: Platform, queueId: string, forgive: 0 | 1): Promise<void> {
  const args = [LEAST_MS, ticksOf(queueId).name, forgive];
  const outcome = await runScript<number>(platform.redis, TICK, queueKey(queueId), args);
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
    const em = forkOf(platform);
    const rows = await sql<object>(em, 'select * from queue where applied_version < version limit 100');
    for (const row of rows) await pushSettings(platform, em.map(Queue, row));
  },
};

/** Opens the SCHEDULED queues into which nobody has come: without people they have no ticks. */
export const queueOpening: Job = {
  name: 'queue-opening',
  everyMs: SECOND,
  async run(platform) {
    const em = forkOf(platform);
    const text = `select * from queue where state = 'SCHEDULED' and opens_at <= clock_timestamp() limit 100`;
    for (const row of await sql<object>(em, text)) {
      const queue = em.map(Queue, row);
      await pushSettings(platform, queue);
      await open(platform, queue.id);
    }
  },
};
