import type { Context } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { notFound } from '../api/problems.ts';
import { Latest } from '../platform/latest.ts';
import { SECOND } from '../platform/units.ts';
import { ensureSettings } from './push-settings.ts';
import { Queue } from './queue.ts';
import { type QueueMessage, readSnapshot } from './queue-message.ts';
import { type QueueStats, toStats } from './queue-stats.ts';
import { watchCounts } from './watch-queue.ts';

/** The queue's counts now. */
export async function readStats(context: Context, queueId: string): Promise<QueueStats> {
  return toStats(queueId, await readSnapshot(context.platform, queueId));
}

/** One object for all who hear of the same message, so that it is written once. */
const shared = new WeakMap<QueueMessage, QueueStats>();

function statsOf(queueId: string, message: QueueMessage): QueueStats {
  const stats = shared.get(message) ?? toStats(queueId, message);
  shared.set(message, stats);
  return stats;
}

/**
 * The queue's counts: now, then at most once a second.
 * @throws CallerError NOT_FOUND for an unknown queue
 */
export async function watchStats(context: Context, id: string): Promise<AsyncIterable<QueueStats>> {
  const queueId = idOf('queueId', id);
  const queue = await context.em.findOne(Queue, { id: queueId });
  if (!queue) throw notFound('queue');
  await ensureSettings(context.platform, queue);
  let stop: (() => void) | undefined;
  let timer: NodeJS.Timeout | undefined;
  let toldAt = 0;
  let newest: QueueMessage | undefined;
  const stats = new Latest<QueueStats>(() => {
    clearTimeout(timer);
    stop?.();
  });
  const tell = (): void => {
    timer = undefined;
    toldAt = Date.now();
    if (newest) stats.push(statsOf(queueId, newest));
  };
  stop = await watchCounts(context.platform, queueId, (message) => {
    newest = message;
    timer ??= setTimeout(tell, Math.max(0, toldAt + SECOND - Date.now()));
  });
  if (stats.ended) stop();
  return stats;
}
