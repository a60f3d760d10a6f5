import { BigIntType } from '@mikro-orm/core';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ID, Int, ObjectType } from 'type-graphql';
import { Problem, sentenceOf } from '../api/problems.ts';
import { DateTime, Money } from '../api/scalars.ts';
import type { EventsOf } from '../commands/event-types.ts';
import { Reservation } from '../reservations/reservation.ts';
import { Payment } from './payment.ts';

/** A row of `refund_line`: pieces of one line of an order that a refund gave back. PostgreSQL refuses to change it. */
@ObjectType({ description: 'Pieces of one line of an order that a refund took back' })
@Entity({ tableName: 'refund_line' })
export class RefundLine {
  @PrimaryKey({ type: 'uuid' })
  refundId!: string;

  @Property({ type: 'uuid' })
  orderId!: string;

  @Field(() => Int, { description: 'The line of the order' })
  @PrimaryKey({ type: 'integer' })
  lineNo!: number;

  @Field(() => Int, { description: 'How many pieces of it' })
  @Property({ type: 'integer' })
  quantity!: number;

  @Field(() => Money, { description: 'What was given back for them' })
  @Property({ type: new BigIntType('number') })
  amount!: number;
}

/** A row of `refund`. PostgreSQL refuses to change or delete it. */
@ObjectType({ description: 'Part of a payment, or all of it, that was given back' })
@Entity({ tableName: 'refund' })
export class Refund {
  @Field(() => ID, { description: 'Id of the refund' })
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Property({ type: 'uuid' })
  paymentId!: string;

  /** Number within the payment: 1 for its first refund, then consecutive. */
  @Property({ type: 'integer' })
  seq!: number;

  @Field(() => Money, { description: 'How much was given back; for 0 the wallet has no entry' })
  @Property({ type: new BigIntType('number') })
  amount!: number;

  @Field(() => String, { nullable: true, description: 'Why, where a reason was given' })
  @Property({ type: 'text', nullable: true })
  reason!: string | null;

  @Field(() => [ID], { description: 'Seats that were taken back; empty for an order' })
  @Property({ type: 'uuid[]', columnType: 'uuid[]' })
  seatIds!: string[];

  /** Pieces that were taken back; known only of a refund that was just made. */
  lines?: RefundLine[];

  @Field(() => DateTime, { description: 'When it was given back' })
  @Property({ type: 'datetime', columnType: 'timestamptz' })
  createdAt!: Date;
}

@ObjectType({ description: 'A line of which more was to be given back than is left of it' })
export class LineShortage {
  @Field(() => Int, { description: 'The line that was named' })
  lineNo!: number;

  @Field(() => Int, { description: 'How many pieces were to be given back' })
  requested!: number;

  @Field(() => Int, { description: 'How many can still be given back; 0 for a line that the order does not have' })
  left!: number;
}

@ObjectType({
  implements: Problem,
  description: '`NOT_REFUNDABLE`: the payment does not have that much left to give back; nothing was given back',
})
export class NotRefundable extends Problem {
  @Field(() => [ID], { description: 'Seats that the payment is not for, or no longer' })
  seatIds!: string[];

  @Field(() => [LineShortage], { description: 'Lines of which fewer pieces are left' })
  lines!: LineShortage[];
}

export function notRefundable(lacking: { seatIds?: string[]; lines?: LineShortage[] }): NotRefundable {
  return Object.assign(new NotRefundable(), sentenceOf('NOT_REFUNDABLE'), { seatIds: [], lines: [], ...lacking });
}

/** The event of a refund, whether it is a part or the rest. */
export const eventsOfRefund: EventsOf<Refund> = ({ after }, surroundings) => {
  const { id, paymentId, amount, seatIds, lines = [] } = after;
  const payment = surroundings.rowOf(Payment, paymentId);
  if (!payment) throw new Error('a refund is made of a payment that is locked');
  const { userId, reservationId, orderId, refunded } = payment;
  const showId = reservationId === null ? null : (surroundings.rowOf(Reservation, reservationId)?.showId ?? null);
  const data = {
    ...{ paymentId, userId, reservationId, orderId, showId, refundId: id, amount, refunded, seatIds },
    lines: lines.map(({ lineNo, quantity }) => ({ lineNo, quantity })),
  };
  return [{ type: 'payment.refunded.v1', aggregate: paymentId, data }];
};
