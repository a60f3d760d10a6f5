import { setTimeout as sleep } from 'node:timers/promises';
import { Field, ID, InputType, Int } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { badInput, notFound } from '../api/problems.ts';
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
  description: 'Left out: unchanged. admitPerMinute null: no rate limit. OPEN on a SCHEDULED queue draws now',
})
export class UpdateQueueInput {
  @Field(() => ID)
  id!: string;

  @Field(() => Int, { nullable: true })
  capacity?: number | null;

  @Field(() => Int, { nullable: true })
  admitPerMinute?: number | null;

  @Field(() => Int, { nullable: true })
  activeSeconds?: number | null;

  @Field(() => Int, { nullable: true })
  maxWaiting?: number | null;

  @Field(() => QueueState, { nullable: true })
  state?: QueueState | null;
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
 * Changes the settings that are given, from the next tick on. A lower capacity evicts no token. A SCHEDULED queue can
 * be opened, which draws its order at once, or closed; a queue that has opened is never SCHEDULED again.
 * @returns the queue; still SCHEDULED when its draw takes longer than two seconds
 * @throws CallerError NOT_FOUND; BAD_USER_INPUT for numbers out of their bounds, null where a value is needed, and a
 * state that the queue cannot take
 */
export async function updateQueue(context: Context, input: UpdateQueueInput): Promise<Queue> {
  const id = idOf('input.id', input.id);
  const { capacity, activeSeconds, maxWaiting, state, admitPerMinute } = input;
  for (const [name, value] of Object.entries({ capacity, activeSeconds, maxWaiting, state })) {
    if (value === null) throw badInput(`input.${name}`, 'must not be null');
  }
  const settings = { capacity, activeSeconds, maxWaiting, state, admitPerMinute } as QueueSettings;
  checkNumbers(settings as Parameters<typeof checkNumbers>[0]);
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
