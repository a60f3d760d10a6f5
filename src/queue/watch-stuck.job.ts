import { raiseAlert } from '../alerts/raise-alert.ts';
import type { Job } from '../platform/jobs.ts';
import { loadScript, runScript } from '../platform/lua.ts';
import { forkOf, type Platform } from '../platform/platform.ts';
import { MINUTE, SECOND } from '../platform/units.ts';
import { queueKey } from './line/line.ts';
import { Queue } from './queue.ts';

const STUCK = loadScript(import.meta.url, 'line/stuck');

/** Queues in one run of the job, the newest first. */
const MAX_QUEUES = 500;

/**
 * Raises an alert for each OPEN queue in which nobody was admitted for QUEUE_STUCK_SECONDS though people wait and
 * capacity is free. It looks at the queues that PostgreSQL has: that a queue is missing from those to be ticked may be
 * the very fault.
 */
export const watchStuck: Job = {
  name: 'watch-stuck',
  everyMs: 5 * SECOND,
  async run(platform) {
    const open = await forkOf(platform).find(
      Queue,
      { state: 'OPEN' },
      { orderBy: { id: 'desc' }, limit: MAX_QUEUES, disableIdentityMap: true },
    );
    const looks = await Promise.allSettled(open.map((queue) => look(platform, queue)));
    for (const end of looks) if (end.status === 'rejected') throw end.reason;
  },
};

async function look(platform: Platform, { id, admitPerMinute }: Queue): Promise<void> {
  const ms = await runScript<number>(platform.redis, STUCK, queueKey(id));
  // A rate limit alone may keep people waiting: for a minute after it was lowered, and for as long as one admission takes.
  const paceMs = admitPerMinute ? MINUTE + (2 * MINUTE) / admitPerMinute : 0;
  if (ms < Math.max(platform.config.QUEUE_STUCK_SECONDS * SECOND, paceMs)) return;
  const text = `The queue ${id} is stuck: nobody was admitted for ${Math.floor(ms / SECOND)} seconds, though people wait and capacity is free.`;
  raiseAlert(platform, 'QUEUE_STUCK', text, { subject: id });
}
