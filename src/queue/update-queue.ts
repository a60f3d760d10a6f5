import { setTimeout as sleep } from 'node:timers/promises';
import { Field, ID, InputType, Int } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { badInput, notFound } from '../api/problems.ts';
import { isUnavailable } from '../platform/faults.ts';
import type { Platform } from '../platform/platform.ts';
import { sql } from '../platform/postgres.ts';
import { SECOND } from '../platform/units.ts';
import { checkNumbers } from './create-queue.ts';
import { openQueue } from './draw/open-queue.ts';
import { pushSettings } from './line/line.ts';
import { Queue, QueueState } from './queue.ts';

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

/** For how long the answer waits for a draw, which goes on all the same. */
const MAX_DRAW_MS = 2 * SECOND;
const LOOK_AGAIN_MS = 50;

/**
 * Changes what is given; it counts from the next tick on all processes. Less capacity evicts nobody. A SCHEDULED queue
 * is opened, which draws its order at once, or closed; a queue that has opened is never SCHEDULED again.
 * @throws CallerError NOT_FOUND; BAD_USER_INPUT for numbers out of their bounds, null where a value is needed, and a
 * state that the queue cannot take
 */
export async function updateQueue(context: Context, input: UpdateQueueInput): Promise<Queue> {
  const id = idOf('id', input.id);
  const { capacity, activeSeconds, maxWaiting, state } = input;
  for (const [name, value] of Object.entries({ capacity, activeSeconds, maxWaiting, state })) {
    if (value === null) throw badInput(`${name} must not be null.`);
  }
  checkNumbers(input as Parameters<typeof checkNumbers>[0]);
  const queue = await changeRow(context, id, input);
  // The row counts already: when Redis is away, the next look at all queues brings it up to date.
  await pushSettings(context.platform, queue).catch((error: unknown) => {
    if (!isUnavailable(error)) throw error;
  });
  if (queue.state !== 'SCHEDULED' || state !== 'OPEN') return queue;
  await drawn(context.platform, id);
  return context.em.fork().findOneOrFail(Queue, { id });
}

/** OPEN on a SCHEDULED queue moves its opening to now: it is open when its order is drawn. */
async function changeRow({ em }: Context, id: string, input: UpdateQueueInput): Promise<Queue> {
  const { capacity, activeSeconds, maxWaiting, state, admitPerMinute } = input;
  const [row] = await sql<object>(
    em,
    `update queue set
       capacity = coalesce($2, capacity), active_seconds = coalesce($3, active_seconds),
       max_waiting = coalesce($4, max_waiting),
       opens_at = case when state = 'SCHEDULED' and $5 = 'OPEN' then least(opens_at, clock_timestamp()) else opens_at end,
       state = case when state = 'SCHEDULED' and $5 = 'OPEN' then state else coalesce($5, state) end,
       admit_per_minute = case when $6 then $7 else admit_per_minute end, version = version + 1
     where id = $1 and ($5::text is null or (state = 'SCHEDULED' and $5 <> 'PAUSED') or
       (state <> 'SCHEDULED' and $5 <> 'SCHEDULED'))
     returning *`,
    [id, capacity, activeSeconds, maxWaiting, state, admitPerMinute !== undefined, admitPerMinute],
  );
  if (row) return em.map(Queue, row);
  if (!(await em.findOne(Queue, { id }))) throw notFound('queue');
  throw badInput(
    state === 'PAUSED'
      ? 'A SCHEDULED queue can be opened or closed, not paused.'
      : 'A queue that has opened cannot be SCHEDULED again.',
  );
}

/** Draws, or waits for whoever is at it. A draw that takes long, or fails for now, goes on with the ticks. */
async function drawn(platform: Platform, id: string): Promise<void> {
  const deadline = performance.now() + MAX_DRAW_MS;
  const draw = async (): Promise<void> => {
    while (!(await openQueue(platform, id)) && performance.now() < deadline) await sleep(LOOK_AGAIN_MS);
  };
  const drawing = draw().catch((error: unknown) => {
    platform.log.warn(
      { queueId: id, error: String(error) },
      'the opening of a queue failed and will be taken up again',
    );
  });
  await Promise.race([drawing, sleep(MAX_DRAW_MS)]);
}
