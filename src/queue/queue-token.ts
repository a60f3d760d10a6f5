import { Field, Float, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { DateTime } from '../api/scalars.ts';

export const QueueTokenStatus = {
  WAITING: 'WAITING',
  ACTIVE: 'ACTIVE',
  COMPLETED: 'COMPLETED',
  EXPIRED: 'EXPIRED',
  LEFT: 'LEFT',
} as const;
export type QueueTokenStatus = keyof typeof QueueTokenStatus;
registerEnumType(QueueTokenStatus, {
  name: 'QueueTokenStatus',
  valuesConfig: {
    COMPLETED: { description: 'The holder paid: the place is used up' },
    EXPIRED: { description: 'The active time ran out, or the holder was away too long' },
  },
});

export const QueueEndReason = {
  PAID: 'PAID',
  LEFT: 'LEFT',
  ACTIVE_TIME_OVER: 'ACTIVE_TIME_OVER',
  AWAY: 'AWAY',
  REVOKED: 'REVOKED',
  QUEUE_CLOSED: 'QUEUE_CLOSED',
} as const;
export type QueueEndReason = keyof typeof QueueEndReason;
registerEnumType(QueueEndReason, {
  name: 'QueueEndReason',
  valuesConfig: { AWAY: { description: 'Neither polled nor subscribed for too long when its turn came' } },
});

@ObjectType({
  simpleResolvers: true,
  description: `A place in a queue. One user has at most one WAITING or ACTIVE token in a queue, on all devices. Entering always answers WAITING;
only a tick admits. In a SCHEDULED queue position and percentBehind are null and etaSeconds runs to opensAt at least. When a queue is CLOSED those WAITING become EXPIRED (QUEUE_CLOSED), those ACTIVE keep their time; less capacity evicts nobody.
A place that re-enters keeps its value. A reserve stretches activeUntil to the hold's end, at most HOLD_SECONDS past its first end. Leaving or
revoking releases the token's holds. Ended tokens can be read for an hour; leaving an ended token answers it as it is.`,
})
export class QueueToken {
  @Field(() => ID, { description: 'Opaque secret of at least 128 random bits; send it as x-queue-token' })
  value!: string;

  @Field(() => ID)
  queueId!: string;

  @Field(() => ID)
  userId!: string;

  @Field(() => QueueTokenStatus)
  status!: QueueTokenStatus;

  @Field(() => Int, { nullable: true, description: '1 = next to be admitted; null unless WAITING' })
  position!: number | null;

  @Field(() => Int, {
    nullable: true,
    description: 'Estimated seconds to admission; null when not WAITING or not yet known',
  })
  etaSeconds!: number | null;

  @Field(() => Int, { description: 'Everyone WAITING in the same queue' })
  waiting!: number;

  @Field(() => Float, { nullable: true, description: '100 x (waiting - position) / waiting; null unless WAITING' })
  percentBehind!: number | null;

  @Field(() => Int, {
    description: 'When a polling client should ask again, in milliseconds: short near the front, long at the back',
  })
  pollAfterMs!: number;

  @Field(() => DateTime)
  enteredAt!: Date;

  @Field(() => DateTime, { nullable: true })
  activatedAt!: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'When ACTIVE ends; null otherwise' })
  activeUntil!: Date | null;

  @Field(() => QueueEndReason, { nullable: true, description: 'Why the place is gone; null while WAITING or ACTIVE' })
  endReason!: QueueEndReason | null;
}
