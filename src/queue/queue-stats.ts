import { Field, ID, Int, ObjectType } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { notFound } from '../api/problems.ts';
import { DateTime } from '../api/scalars.ts';
import { ConflatingIterator } from '../platform/conflating-iterator.ts';
import { SECOND } from '../platform/units.ts';
import { ensureSettings, type QueueMessage, readSnapshot } from './line/line.ts';
import { Queue } from './queue.ts';
import { watchCounts } from './replica/queue-watch.ts';

@ObjectType({ simpleResolvers: true, description: 'One moment of a queue, for dashboards' })
export class QueueStats {
  @Field(() => ID)
  queueId!: string;

  @Field(() => DateTime)
  at!: Date;

  @Field(() => Int)
  waiting!: number;

  @Field(() => Int)
  active!: number;

  @Field(() => Int, { description: 'Counts since the queue was made' })
  entered!: number;

  @Field(() => Int)
  admitted!: number;

  @Field(() => Int)
  completed!: number;

  @Field(() => Int)
  expired!: number;

  @Field(() => Int)
  left!: number;

  @Field(() => Int, { description: 'Admissions in the last 60 seconds' })
  admittedPerMinute!: number;

  @Field(() => Int, {
    nullable: true,
    description: 'Median absolute error of the estimates given to those admitted in the last 5 minutes; null when none',
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

/** One object for all subscribers to the same message, so that it is written once. */
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
  let sentAt = 0;
  let newest: QueueMessage | undefined;
  const stats = new ConflatingIterator<QueueStats>(() => {
    clearTimeout(timer);
    stop?.();
  });
  const send = (): void => {
    timer = undefined;
    sentAt = Date.now();
    if (newest) stats.push(statsOf(queueId, newest));
  };
  stop = await watchCounts(context.platform, queueId, (message) => {
    newest = message;
    timer ??= setTimeout(send, Math.max(0, sentAt + SECOND - Date.now()));
  });
  if (stats.ended) stop();
  return stats;
}
