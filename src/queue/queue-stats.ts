import { Field, ID, Int, ObjectType } from 'type-graphql';
import { DateTime } from '../api/scalars.ts';
import type { QueueMessage } from './queue-message.ts';

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

/** The counts that a tick's message carries. */
export function toStats(queueId: string, message: QueueMessage): QueueStats {
  const { waiting, active, entered, admitted, completed, expired, left, admittedPerMinute, etaErrorMs } = message;
  return Object.assign(new QueueStats(), {
    queueId,
    at: new Date(message.at),
    ...{ waiting, active, entered, admitted, completed, expired, left, admittedPerMinute },
    etaErrorSeconds: etaErrorMs < 0 ? null : Math.round(etaErrorMs / 1_000),
  });
}
