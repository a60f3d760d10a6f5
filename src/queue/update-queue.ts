import { Field, ID, InputType, Int } from 'type-graphql';
import type { Context } from '../context.ts';
import { idOf } from '../input.ts';
import { isUnavailable } from '../platform/faults.ts';
import { sql } from '../platform/postgres.ts';
import { badInput, notFound } from '../problems.ts';
import { checkNumbers } from './create-queue.ts';
import { pushSettings } from './push-settings.ts';
import { Queue, QueueState } from './queue.ts';

@InputType({ description: 'Left out: unchanged. admitPerMinute null: no rate limit' })
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

/**
 * Changes what is given; it counts from the next tick on all processes. Less capacity evicts nobody.
 * @throws CallerError NOT_FOUND; BAD_USER_INPUT for numbers out of their bounds, or null where a number is needed
 */
export async function updateQueue(context: Context, input: UpdateQueueInput): Promise<Queue> {
  const id = idOf('id', input.id);
  const { capacity, activeSeconds, maxWaiting, state, admitPerMinute } = input;
  for (const [name, value] of Object.entries({ capacity, activeSeconds, maxWaiting, state })) {
    if (value === null) throw badInput(`${name} must not be null.`);
  }
  checkNumbers(input as Parameters<typeof checkNumbers>[0]);
  const [row] = await sql<object>(
    context.em,
    `update queue set
       capacity = coalesce($2, capacity), active_seconds = coalesce($3, active_seconds),
       max_waiting = coalesce($4, max_waiting), state = coalesce($5, state),
       admit_per_minute = case when $6 then $7 else admit_per_minute end, version = version + 1
     where id = $1 returning *`,
    [id, capacity, activeSeconds, maxWaiting, state, admitPerMinute !== undefined, admitPerMinute],
  );
  if (!row) throw notFound('queue');
  const queue = context.em.map(Queue, row);
  // The row counts already: when Redis is away, the next look at all queues brings it up to date.
  await pushSettings(context.platform, queue).catch((error: unknown) => {
    if (!isUnavailable(error)) throw error;
  });
  return queue;
}
