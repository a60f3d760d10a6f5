import type { Context } from '../api/context.ts';
import { notFound } from '../api/problems.ts';
import { forkOf } from '../platform/platform.ts';
import type { Topic } from '../platform/topics.ts';
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

/** The counts of a queue, by its id: the latest, then at most once a second. */
export const QUEUE_STATS: Topic<QueueStats> = {
  name: 'queueStats',
  first: 'latest',
  check: async (platform, queueId) => {
    const queue = await forkOf(platform).findOne(Queue, { id: queueId });
    if (!queue) throw notFound('queue');
    await ensureSettings(platform, queue);
  },
  open: async (platform, queueId, publish) => {
    let timer: NodeJS.Timeout | undefined;
    let publishedAt = 0;
    let newest: QueueMessage | undefined;
    const publishNewest = (): void => {
      timer = undefined;
      publishedAt = Date.now();
      if (newest) publish(toStats(queueId, newest));
    };
    const stop = await watchCounts(platform, queueId, (message) => {
      newest = message;
      timer ??= setTimeout(publishNewest, Math.max(0, publishedAt + SECOND - Date.now()));
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  },
};
