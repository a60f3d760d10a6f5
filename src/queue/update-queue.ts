import { setTimeout as sleep } from 'node:timers/promises';
import { Field, ID, InputType, Int } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { givenOf, idOf, textOf } from '../api/input.ts';
import { notFound } from '../api/problems.ts';
import { DateTime } from '../api/scalars.ts';
import { QUEUES, rowsOf } from '../commands/lock-order.ts';
import { run, type Verb } from '../commands/runner.ts';
import { isUnavailable } from '../platform/faults.ts';
import type { Platform } from '../platform/platform.ts';
import { SECOND } from '../platform/units.ts';
import { checkNumbers } from './create-queue.ts';
import { openQueue } from './draw/open-queue.ts';
import { pushSettings } from './line/line.ts';
import { Queue, type QueueSettings, QueueState } from './queue.ts';

@InputType({
  description: 'Changes of a queue. What is left out stays as it is',
})
export class UpdateQueueInput {
  @Field(() => ID, { description: 'Id of the queue' })
  id!: string;

  @Field(() => Int, {
    nullable: true,
    description: 'Most people who are ACTIVE at once: 0 .. 1,000,000; a lower one ends no place',
  })
  capacity?: number | null;

  @Field(() => Int, {
    nullable: true,
    description: 'Most admissions in any minute: 0 .. 1,000,000; null for no limit but `capacity`',
  })
  admitPerMinute?: number | null;

  @Field(() => Int, {
    nullable: true,
    description:
      'Most new places in any minute: 1 .. 1,000,000, from the next entry on; null for no limit. Places that there are stay',
  })
  entriesPerMinute?: number | null;

  @Field(() => Int, { nullable: true, description: 'How long a holder stays ACTIVE, in seconds: 1 .. 86,400' })
  activeSeconds?: number | null;

  @Field(() => Int, { nullable: true, description: 'Most people who are WAITING at once: 0 .. 1,000,000' })
  maxWaiting?: number | null;

  @Field(() => QueueState, {
    nullable: true,
    description: 'OPEN for a SCHEDULED queue draws its order now. A queue that has opened is never SCHEDULED again',
  })
  state?: QueueState | null;

  @Field(() => String, { nullable: true, description: '1 .. 200 characters' })
  name?: string | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When it opens, in the future; only of a SCHEDULED queue whose time has not come',
  })
  opensAt?: Date | null;

  @Field(() => Int, {
    nullable: true,
    description:
      'For how many seconds a WAITING holder may be away, that is neither poll nor subscribe, without being passed over when the turn comes: 1 .. 86,400. Applies to everybody who waits',
  })
  awaySeconds?: number | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'Whether a place whose active time ran out goes to the back of the queue instead of becoming EXPIRED',
  })
  reenter?: boolean | null;

  @Field(() => Boolean, {
    nullable: true,
    description:
      'Whether anybody may see its `queueBoard`. Those who watch it when it is switched off are told NOT_FOUND',
  })
  board?: boolean | null;
}

/** Milliseconds that the answer waits for a draw, which continues afterwards. */
const MAX_DRAW_MS = 2 * SECOND;
const RETRY_MS = 50;

const UPDATE: Verb<{ readonly id: string; readonly settings: QueueSettings }, Queue> = {
  name: 'updateQueue',
  contends: ({ id }) => [`queue:${id}`],
  locks: ({ id }) => ({ rows: [rowsOf(QUEUES, [id])] }),

  decide({ asked: { id, settings } }, scene) {
    const queue = scene.find(QUEUES, id);
    if (!queue) throw notFound('queue');
    queue.change(settings, scene.now);
    return queue;
  },
};

/**
 * Changes the settings that are given, from the next admission on. A lower capacity evicts no token. A SCHEDULED queue can
 * be opened, which draws its order at once, or closed, or open at another time; a queue that has opened is never
 * SCHEDULED again.
 * @returns the queue; still SCHEDULED when its draw takes longer than two seconds
 * @throws CallerError NOT_FOUND; BAD_USER_INPUT for a name outside 1..200 characters, numbers out of their bounds, null
 * where a value is needed, a state that the queue cannot take, and an `opensAt` that is not in the future or comes
 * after the opening
 */
export async function updateQueue(context: Context, input: UpdateQueueInput): Promise<Queue> {
  const { id: text, ...settings } = givenOf(input, 'admitPerMinute', 'entriesPerMinute');
  const id = idOf('input.id', text as string);
  const { state, name } = settings;
  if (name !== undefined) textOf('input.name', name, 1, 200);
  checkNumbers(settings);
  const queue = (await run(context, UPDATE, { id, settings })) as Queue;
  // The row holds the change: after an outage of Redis, the job queue-settings writes it to Redis.
  await pushSettings(context.platform, queue).catch((error: unknown) => {
    if (!isUnavailable(error)) throw error;
  });
  if (queue.state !== 'SCHEDULED' || state !== 'OPEN') return queue;
  await draw(context.platform, id);
  return context.em.fork().findOneOrFail(Queue, { id });
}

/**
 * Draws the order, or waits for the process that does. A draw that takes longer, or fails, is continued by the ticks.
 */
async function draw(platform: Platform, id: string): Promise<void> {
  const deadline = performance.now() + MAX_DRAW_MS;
  const open = async (): Promise<void> => {
    while (!(await openQueue(platform, id)) && performance.now() < deadline) await sleep(RETRY_MS);
  };
  const opening = open().catch((error: unknown) => {
    platform.log.warn({ queueId: id, error: String(error) }, 'opening a queue failed and will be tried again');
  });
  await Promise.race([opening, sleep(MAX_DRAW_MS)]);
}
