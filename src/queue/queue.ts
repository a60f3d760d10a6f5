import { hash } from 'node:crypto';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { Cacheable } from '../api/cacheable.ts';
import { connectionOf } from '../api/connection.ts';
import { badInput } from '../api/problems.ts';
import { DateTime } from '../api/scalars.ts';
import type { EventsOf, NewEvent } from '../commands/event-types.ts';
import { HexType } from '../platform/postgres.ts';

export const QueueState = { SCHEDULED: 'SCHEDULED', OPEN: 'OPEN', PAUSED: 'PAUSED', CLOSED: 'CLOSED' } as const;
export type QueueState = keyof typeof QueueState;
registerEnumType(QueueState, {
  name: 'QueueState',
  description: 'What a queue does with those who enter it',
  valuesConfig: {
    SCHEDULED: {
      description: 'Takes entries and admits nobody; when it opens, those who entered are put in a random order',
    },
    OPEN: { description: 'Takes entries and admits people in order' },
    PAUSED: { description: 'Takes entries and admits nobody' },
    CLOSED: { description: 'Takes no entries and admits nobody' },
  },
});

/** Settings of a queue that can be changed; undefined leaves one as it is. */
export interface QueueSettings {
  readonly state?: QueueState | undefined;
  readonly capacity?: number | undefined;
  /** Null for no limit. */
  readonly admitPerMinute?: number | null | undefined;
  /** Null for no limit. */
  readonly entriesPerMinute?: number | null | undefined;
  readonly activeSeconds?: number | undefined;
  readonly maxWaiting?: number | undefined;
  readonly name?: string | undefined;
  /** Of a SCHEDULED queue whose time has not come. */
  readonly opensAt?: Date | undefined;
  readonly awaySeconds?: number | undefined;
  readonly reenter?: boolean | undefined;
  readonly board?: boolean | undefined;
}

@ObjectType({
  simpleResolvers: true,
  description: 'A waiting room: lets a bounded number of people in at a time, in order',
})
@Entity({ tableName: 'queue' })
export class Queue {
  @Cacheable()
  @Field(() => ID, { description: 'Id of the queue' })
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Field(() => String, { description: 'The name that operators gave it' })
  @Property({ type: 'text' })
  name!: string;

  @Field(() => QueueState, { description: 'What it does with those who enter it' })
  @Property({ type: 'text' })
  state!: QueueState;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When it opens, or opened: of a queue that was SCHEDULED; null for others',
  })
  @Property({ type: 'datetime', columnType: 'timestamptz', nullable: true })
  opensAt!: Date | null;

  @Field(() => Int, { description: 'Most people who are ACTIVE at once' })
  @Property({ type: 'integer' })
  capacity!: number;

  @Field(() => Int, { nullable: true, description: 'Most admissions in any minute; null for no limit but `capacity`' })
  @Property({ type: 'integer', nullable: true })
  admitPerMinute!: number | null;

  @Field(() => Int, {
    nullable: true,
    description: 'Most new places in any minute, spread evenly over it; null for no limit',
  })
  @Property({ type: 'integer', nullable: true })
  entriesPerMinute!: number | null;

  @Field(() => Int, { description: 'How long a holder stays ACTIVE, in seconds' })
  @Property({ type: 'integer' })
  activeSeconds!: number;

  @Field(() => Int, { description: 'Most people who are WAITING at once' })
  @Property({ type: 'integer' })
  maxWaiting!: number;

  @Field(() => Boolean, {
    description:
      'Whether a place whose active time ran out goes to the back of the queue, WAITING again, instead of becoming EXPIRED',
  })
  @Property({ type: 'boolean' })
  reenter!: boolean;

  @Field(() => Int, {
    description:
      'For how many seconds a WAITING holder may be away, that is neither poll nor subscribe; one who is away longer when the turn comes is passed over',
  })
  @Property({ type: 'integer' })
  awaySeconds!: number;

  @Field(() => Boolean, { description: 'Whether anybody may see its `queueBoard`' })
  @Property({ type: 'boolean' })
  board!: boolean;

  /** Goes up with every change; Redis takes only a higher one. */
  @Property({ type: 'integer' })
  version!: number;

  /** The version that Redis was given last. */
  @Property({ type: 'integer' })
  appliedVersion!: number;

  /**
   * Changes settings. OPEN on a SCHEDULED queue moves its opening to now; the queue is OPEN once its order is drawn.
   * @throws CallerError BAD_USER_INPUT for a state that the queue cannot take, and for an `opensAt` that is not in the
   * future or comes after the opening, with nothing changed
   */
  change({ state = this.state, ...others }: QueueSettings, now: Date): void {
    if (others.opensAt) this.checkOpening(state, others.opensAt, now);
    if (this.state === 'SCHEDULED') {
      if (state === 'PAUSED')
        throw badInput('input.state', 'must be OPEN or CLOSED: a SCHEDULED queue cannot be paused');
      if (state === 'OPEN' && this.opensAt && this.opensAt > now) this.opensAt = now;
      if (state === 'CLOSED') this.state = state;
    } else {
      if (state === 'SCHEDULED') throw badInput('input.state', 'must not be SCHEDULED: the queue has opened');
      this.state = state;
    }
    for (const [name, value] of Object.entries(others)) if (value !== undefined) Object.assign(this, { [name]: value });
    this.version += 1;
  }

  private checkOpening(state: QueueState, opensAt: Date, now: Date): void {
    const isAhead = this.state === 'SCHEDULED' && state === 'SCHEDULED' && this.opensAt !== null && this.opensAt > now;
    if (!isAhead) throw badInput('input.opensAt', 'can be changed until the queue opens or is closed');
    if (opensAt <= now) throw badInput('input.opensAt', 'must lie in the future');
  }
}

export const QueueConnection = connectionOf('Queue', Queue);

/** A code that opens a higher lane of a queue, for the first user who presents it. Its text is not kept. */
@Entity({ tableName: 'priority_code' })
export class PriorityCode {
  /** SHA-256 of the code's text, lower-case hex. */
  @PrimaryKey({ type: HexType })
  hash!: string;

  @Property({ type: 'uuid' })
  queueId!: string;

  /** The lane, 1 .. 9. */
  @Property({ type: 'integer' })
  priority!: number;

  @Property({ type: 'uuid', nullable: true })
  userId!: string | null;

  @Property({ type: 'datetime', columnType: 'timestamptz', nullable: true })
  claimedAt!: Date | null;

  static hashOf(code: string): string {
    return hash('sha256', code);
  }

  /** Makes the code the user's unless it is another user's. @returns whether it is the user's */
  claim(userId: string, now: Date): boolean {
    this.userId ??= userId;
    this.claimedAt ??= now;
    return this.userId === userId;
  }
}

/** The events of a queue: it opened, was paused, resumed or closed. */
export const eventsOfQueue: EventsOf<Queue> = ({ before, after: { id, state } }) => {
  if (before?.state === state || state === 'SCHEDULED') return [];
  if (state === 'PAUSED') return [queueEvent('queue.paused.v1', id)];
  if (state === 'CLOSED') return [queueEvent('queue.closed.v1', id)];
  return [queueEvent(before && before.state !== 'SCHEDULED' ? 'queue.resumed.v1' : 'queue.opened.v1', id)];
};

/** An event of a queue. */
export function queueEvent(type: Extract<NewEvent, { data: { queueId: string } }>['type'], queueId: string): NewEvent {
  return { type, aggregate: queueId, data: { queueId } };
}
