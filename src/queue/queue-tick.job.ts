import type { Job } from '../platform/jobs.ts';
import { loadScript, runScript } from '../platform/lua.ts';
import { forkOf, type Platform } from '../platform/platform.ts';
import { sql } from '../platform/postgres.ts';
import { SECOND } from '../platform/units.ts';
import { liveQueues, retire } from './live-queues.ts';
import { pushSettings } from './push-settings.ts';
import { Queue } from './queue.ts';
import { queueKey } from './queue-keys.ts';
import { ticksOf } from './queue-message.ts';

const TICK = loadScript(import.meta.url, 'tick');
const TICK_MS = 250;
/** Processes take turns: a tick asked for sooner than this after the last one is left out. */
const LEAST_MS = 200;

/** Ticks every queue that has people in it; whichever process comes first does the work. */
export const queueTick: Job = {
  name: 'queue-tick',
  everyMs: TICK_MS,
  async run(platform) {
    const live = await liveQueues(platform);
    const outcomes = await Promise.allSettled(live.map((queueId) => tickOrRetire(platform, queueId)));
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') throw outcome.reason;
    }
  },
};

async function tickOrRetire(platform: Platform, queueId: string): Promise<void> {
  const args = [LEAST_MS, ticksOf(queueId).name];
  const people = await runScript<number>(platform.redis, TICK, queueKey(queueId), args);
  if (people === 0) await retire(platform, queueId);
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
