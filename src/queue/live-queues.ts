import { loadScript, runScript } from '../platform/lua.ts';
import type { Platform } from '../platform/platform.ts';
import { SECOND } from '../platform/units.ts';

/** Queues that have people in them, or had a moment ago: the ones that need ticks. */
export const LIVE_QUEUES = 'onsale:live-queues';

/**
 * An empty queue is ticked for this long after somebody may have come. It is far longer than a command can be on its
 * way, so that an entry and its note, sent one behind the other, cannot be overtaken by a retirement.
 */
const LINGER_MS = 10 * SECOND;

const NOTE_LIVE = loadScript(import.meta.url, 'note-live');
const RETIRE = loadScript(import.meta.url, 'retire');

/** Somebody may have come to the queue: it is ticked from now on. */
export async function noteLive(platform: Platform, queueId: string): Promise<void> {
  await runScript(platform.redis, NOTE_LIVE, LIVE_QUEUES, [queueId]);
}

/** A tick found nobody in the queue: it is no longer ticked, unless somebody may just have come. */
export async function retire(platform: Platform, queueId: string): Promise<void> {
  await runScript(platform.redis, RETIRE, LIVE_QUEUES, [queueId, LINGER_MS]);
}

/** Ids of the queues to tick. */
export function liveQueues(platform: Platform): Promise<string[]> {
  return platform.redis.zrange(LIVE_QUEUES, 0, -1);
}
