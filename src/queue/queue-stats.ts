import { Field, ID, Int, ObjectType } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { notFound } from '../api/problems.ts';
import { DateTime } from '../api/scalars.ts';
import { forkOf } from '../platform/platform.ts';
import type { Topic } from '../platform/topics.ts';
import { SECOND } from '../platform/units.ts';
import { ensureSettings, type QueueMessage, readSnapshot } from './line/line.ts';
import { Queue } from './queue.ts';
import { watchCounts } from './replica/queue-watch.ts';

@ObjectType({ simpleResolvers: true, description: 'Counts of a queue at one moment, for dashboards' })
export class QueueStats {
  @Field(() => ID, { description: 'Id of the queue' })
  queueId!: string;

  @Field(() => DateTime, { description: 'When it was counted' })
  at!: Date;

  @Field(() => Int, { description: 'People who are WAITING' })
  waiting!: number;

  @Field(() => Int, { description: 'People who are ACTIVE' })
  active!: number;

  @Field(() => Int, { description: 'New places since the queue was made' })
  entered!: number;

  @Field(() => Int, { description: 'Places that became ACTIVE since the queue was made' })
  admitted!: number;

  @Field(() => Int, { description: 'Places that became COMPLETED since the queue was made' })
  completed!: number;

  @Field(() => Int, { description: 'Places that became EXPIRED since the queue was made' })
  expired!: number;

  @Field(() => Int, { description: 'Places that became LEFT since the queue was made' })
  left!: number;

  @Field(() => Int, { description: 'Admissions in the last 60 seconds' })
  admittedPerMinute!: number;

  @Field(() => Int, {
    nullable: true,
    description:
      'Median absolute error, in seconds, of the estimates given to those admitted in the last 5 minutes; null when nobody was',
  })
  etaErrorSeconds!: number | null;
}

/** The counts of a message. */
function toStats(queueId: string, message: QueueMessage): QueueStats {
  const { waiting, active, entered, admitted, completed, expired, left, admittedPerMinute, etaErrorMs } = message;
  return Object.assign(new QueueStats(), {
    queueId,
    at: new Date(message.at),
    ...{ waiting, active, entered, admitted, completed, expired, left, admittedPerMinute },
    etaErrorSeconds: etaErrorMs < 0 ? null : Math.round(etaErrorMs / 1_000),
  });
}

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
