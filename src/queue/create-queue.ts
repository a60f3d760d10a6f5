import { Field, InputType, Int } from 'type-graphql';
import type { Context } from '../context.ts';
import { textOf, within } from '../input.ts';
import { isUnavailable } from '../platform/faults.ts';
import { newId } from '../platform/ids.ts';
import { sqlRow } from '../platform/postgres.ts';
import { pushSettings } from './push-settings.ts';
import { Queue } from './queue.ts';

@InputType()
export class CreateQueueInput {
  @Field(() => String)
  name!: string;

  @Field(() => Int, { description: '0 .. 1,000,000' })
  capacity!: number;

  @Field(() => Int, { nullable: true })
  admitPerMinute?: number | null;

  @Field(() => Int, { defaultValue: 300 })
  activeSeconds!: number;

  @Field(() => Int, { defaultValue: 110_000 })
  maxWaiting!: number;

  @Field(() => Boolean, { defaultValue: false })
  reenter!: boolean;

  @Field(() => Int, { defaultValue: 180 })
  awaySeconds!: number;
}

const MOST_PEOPLE = 1_000_000;
const MOST_SECONDS = 86_400;

/**
 * Makes a queue that is open at once.
 * @throws CallerError BAD_USER_INPUT for numbers out of their bounds
 */
export async function createQueue(context: Context, input: CreateQueueInput): Promise<Queue> {
  textOf('name', input.name, 1, 200);
  checkNumbers(input);
  const row = await sqlRow<object>(
    context.em,
    `insert into queue
       (id, name, state, capacity, admit_per_minute, active_seconds, max_waiting, reenter, away_seconds)
     values ($1, $2, 'OPEN', $3, $4, $5, $6, $7, $8) returning *`,
    [
      newId(),
      input.name,
      input.capacity,
      input.admitPerMinute ?? null,
      input.activeSeconds,
      input.maxWaiting,
      input.reenter,
      input.awaySeconds,
    ],
  );
  const queue = context.em.map(Queue, row);
  // The row counts; who enters first, or the next look at all queues, tells Redis what it missed.
  await pushSettings(context.platform, queue).catch((error: unknown) => {
    if (!isUnavailable(error)) throw error;
  });
  return queue;
}

/** Numbers left out are not looked at. */
export function checkNumbers(input: Partial<CreateQueueInput>): void {
  if (input.capacity !== undefined) within('capacity', input.capacity, 0, MOST_PEOPLE);
  if (typeof input.admitPerMinute === 'number') within('admitPerMinute', input.admitPerMinute, 0, MOST_PEOPLE);
  if (input.activeSeconds !== undefined) within('activeSeconds', input.activeSeconds, 1, MOST_SECONDS);
  if (input.maxWaiting !== undefined) within('maxWaiting', input.maxWaiting, 0, MOST_PEOPLE);
  if (input.awaySeconds !== undefined) within('awaySeconds', input.awaySeconds, 1, MOST_SECONDS);
}
