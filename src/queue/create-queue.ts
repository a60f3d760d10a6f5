import { randomBytes } from 'node:crypto';
import { Field, InputType, Int } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { textOf, within } from '../api/input.ts';
import { badInput } from '../api/problems.ts';
import { DateTime } from '../api/scalars.ts';
import { run, type Verb } from '../commands/runner.ts';
import { isUnavailable } from '../platform/faults.ts';
import { newId } from '../platform/ids.ts';
import { QueueShuffle } from './draw/queue-shuffle.ts';
import { pushSettings } from './line/line.ts';
import { Queue } from './queue.ts';

@InputType({ description: 'Settings of a new queue' })
export class CreateQueueInput {
  @Field(() => String, { description: '1 .. 200 characters' })
  name!: string;

  @Field(() => Int, { description: 'Most people who are ACTIVE at once: 0 .. 1,000,000' })
  capacity!: number;

  @Field(() => Int, {
    nullable: true,
    description: 'Most admissions in any minute: 0 .. 1,000,000; null for no limit but `capacity`',
  })
  admitPerMinute?: number | null;

  @Field(() => Int, {
    nullable: true,
    description: 'Most new places in any minute, spread evenly over it: 1 .. 1,000,000; null for no limit',
  })
  entriesPerMinute?: number | null;

  @Field(() => Int, { defaultValue: 300, description: 'How long a holder stays ACTIVE, in seconds: 1 .. 86,400' })
  activeSeconds!: number;

  @Field(() => Int, { defaultValue: 110_000, description: 'Most people who are WAITING at once: 0 .. 1,000,000' })
  maxWaiting!: number;

  @Field(() => Boolean, {
    defaultValue: false,
    description: 'Whether a place whose active time ran out goes to the back of the queue instead of becoming EXPIRED',
  })
  reenter!: boolean;

  @Field(() => Int, {
    defaultValue: 180,
    description:
      'For how many seconds a WAITING holder may be away, that is neither poll nor subscribe, without being passed over when the turn comes: 1 .. 86,400',
  })
  awaySeconds!: number;

  @Field(() => Boolean, { defaultValue: false, description: 'Whether anybody may see its `queueBoard`' })
  board!: boolean;

  @Field(() => DateTime, {
    nullable: true,
    description:
      'When it opens, in the future: it starts SCHEDULED and draws the order of its entries then. Left out: it starts OPEN',
  })
  opensAt?: Date | null;
}

const MAX_PEOPLE = 1_000_000;
const MAX_SECONDS = 86_400;

const SEED_BYTES = 32;

interface NewQueue {
  readonly id: string;
  readonly input: CreateQueueInput;
}

const CREATE: Verb<NewQueue, Queue> = {
  name: 'createQueue',
  contends: () => [],
  locks: () => ({}),

  decide({ asked: { id, input } }, scene) {
    const { opensAt = null, admitPerMinute = null, entriesPerMinute = null, ...settings } = input;
    if (opensAt && opensAt <= scene.now) throw badInput('input.opensAt', 'must lie in the future');
    const state = opensAt ? 'SCHEDULED' : 'OPEN';
    const versions = { version: 1, appliedVersion: 0 };
    const rates = { admitPerMinute, entriesPerMinute };
    const queue = Object.assign(new Queue(), { id, ...settings, ...rates, opensAt, state, ...versions });
    scene.insert(queue);
    const seed = { queueId: id, secretSeed: randomBytes(SEED_BYTES), drawn: null, drawnAt: null };
    if (opensAt) scene.insert(Object.assign(new QueueShuffle(), seed));
    return queue;
  },
};

/**
 * Makes a queue: OPEN, or SCHEDULED with `opensAt`, then together with the seed of its draw.
 * @throws CallerError BAD_USER_INPUT for numbers out of their bounds, and for an `opensAt` that is not in the future by
 * PostgreSQL's clock
 */
export async function createQueue(context: Context, input: CreateQueueInput): Promise<Queue> {
  textOf('input.name', input.name, 1, 200);
  checkNumbers(input);
  const queue = (await run(context, CREATE, { id: newId(), input })) as Queue;
  // The queue exists by its row: the first entry, or the job queue-settings, writes settings that Redis does not have.
  await pushSettings(context.platform, queue).catch((error: unknown) => {
    if (!isUnavailable(error)) throw error;
  });
  return queue;
}

/** @throws CallerError BAD_USER_INPUT for a number out of its bounds; numbers left out are not checked */
export function checkNumbers(input: Partial<CreateQueueInput>): void {
  if (input.capacity !== undefined) within('input.capacity', input.capacity, 0, MAX_PEOPLE);
  if (typeof input.admitPerMinute === 'number') within('input.admitPerMinute', input.admitPerMinute, 0, MAX_PEOPLE);
  if (typeof input.entriesPerMinute === 'number') {
    within('input.entriesPerMinute', input.entriesPerMinute, 1, MAX_PEOPLE);
  }
  if (input.activeSeconds !== undefined) within('input.activeSeconds', input.activeSeconds, 1, MAX_SECONDS);
  if (input.maxWaiting !== undefined) within('input.maxWaiting', input.maxWaiting, 0, MAX_PEOPLE);
  if (input.awaySeconds !== undefined) within('input.awaySeconds', input.awaySeconds, 1, MAX_SECONDS);
}
