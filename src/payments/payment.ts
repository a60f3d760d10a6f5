import { BigIntType } from '@mikro-orm/core';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { createUnionType, Field, ID, ObjectType, registerEnumType } from 'type-graphql';
import { connectionOf } from '../api/connection.ts';
import { Problem, ProblemCode, Refusal, type RefusalCode, sentenceOf } from '../api/problems.ts';
import { DateTime, Money } from '../api/scalars.ts';
import type { EventsOf } from '../commands/event-types.ts';
import { Reservation } from '../reservations/reservation.ts';
import { Order } from '../shop/order.ts';
import { InsufficientBalance } from '../wallet/wallet.ts';

export const PaymentStatus = { COMPLETED: 'COMPLETED', FAILED: 'FAILED', CANCELLED: 'CANCELLED' } as const;
export type PaymentStatus = keyof typeof PaymentStatus;
registerEnumType(PaymentStatus, {
  name: 'PaymentStatus',
  description: 'Where a payment stands',
  valuesConfig: {
    COMPLETED: { description: 'The money was taken' },
    FAILED: { description: 'No money was taken; `failure` says why' },
    CANCELLED: { description: 'All of the money was given back' },
  },
});

export const Payable = createUnionType({
  name: 'Payable',
  description: 'What can be paid for',
  types: () => [Reservation, Order] as const,
});

@ObjectType({ description: 'One attempt to pay for a reservation or an order' })
@Entity({ tableName: 'payment' })
export class Payment {
  @Field(() => ID, { description: 'Id of the payment' })
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Property({ type: 'uuid' })
  userId!: string;

  /** The reservation that it is for; null for an order. */
  @Property({ type: 'uuid', nullable: true })
  reservationId!: string | null;

  /** The order that it is for; null for a reservation. */
  @Property({ type: 'uuid', nullable: true })
  orderId!: string | null;

  /** Queue of the pass that it used up; null unless it is the COMPLETED or CANCELLED payment behind a queue. */
  @Property({ type: 'uuid', nullable: true })
  queueId!: string | null;

  @Property({ type: 'text', nullable: true })
  tokenHash!: string | null;

  @Field(() => Money, { description: 'What was paid; of a FAILED payment what was to be paid' })
  @Property({ type: new BigIntType('number') })
  amount!: number;

  @Field(() => Money, { description: 'How much of it was given back; all of it once it is CANCELLED' })
  @Property({ type: new BigIntType('number') })
  refunded!: number;

  @Field(() => PaymentStatus, { description: 'Where it stands' })
  @Property({ type: 'text' })
  status!: PaymentStatus;

  @Field(() => ProblemCode, { nullable: true, description: 'Why it FAILED; null for others' })
  @Property({ type: 'text', nullable: true })
  failure!: RefusalCode | null;

  @Field(() => DateTime, { description: 'When it was made' })
  @Property({ type: 'datetime', columnType: 'timestamptz' })
  createdAt!: Date;

  @Field(() => DateTime, { nullable: true, description: 'When the last of it was given back; null unless CANCELLED' })
  @Property({ type: 'datetime', columnType: 'timestamptz', nullable: true })
  cancelledAt!: Date | null;

  /**
   * Counts money as given back.
   * @param amount in minor units
   * @throws RangeError for more than is left; Error unless it is COMPLETED
   */
  refund(amount: number): void {
    if (this.status !== 'COMPLETED') throw new Error(`of a ${this.status} payment nothing is given back`);
    if (this.refunded + amount > this.amount) throw new RangeError('no more is given back than was paid');
    this.refunded += amount;
  }

  /** Makes it CANCELLED at the instant `now`. @throws Error unless it is COMPLETED and all of it was given back */
  cancel(now: Date): void {
    if (this.status !== 'COMPLETED' || this.refunded !== this.amount)
      throw new Error(`a ${this.status} payment of ${this.amount}, ${this.refunded} given back, cannot be cancelled`);
    this.status = 'CANCELLED';
    this.cancelledAt = now;
  }
}

export const PaymentConnection = connectionOf('Payment', Payment);

@ObjectType({
  implements: Problem,
  description: '`ALREADY_PAID`: it was paid for under another key; nothing was taken again',
})
export class AlreadyPaid extends Problem {
  @Field(() => Payment, { description: 'The payment that is COMPLETED' })
  payment!: Payment;
}

export const PayResult = createUnionType({
  name: 'PayResult',
  description: `The Payment, COMPLETED; InsufficientBalance, AlreadyPaid, or a Refusal: \`SHOW_CANCELLED\`, \`WITHDRAWN\`, \`NOT_PAYABLE\`,
\`HOLD_EXPIRED\` or \`IDEMPOTENCY_CONFLICT\``,
  types: () => [Payment, InsufficientBalance, AlreadyPaid, Refusal] as const,
});

export type PayAnswer = Payment | InsufficientBalance | AlreadyPaid | Refusal;

export function alreadyPaid(payment: Payment): AlreadyPaid {
  return Object.assign(new AlreadyPaid(), sentenceOf('ALREADY_PAID'), { payment });
}

/** The events of a payment: it is new, COMPLETED or FAILED, or was CANCELLED. */
export const eventsOfPayment: EventsOf<Payment> = ({ before, after }, surroundings) => {
  const { id, userId, reservationId, orderId, amount, status, failure, cancelledAt } = after;
  const showId = reservationId === null ? null : (surroundings.rowOf(Reservation, reservationId)?.showId ?? null);
  const data = { paymentId: id, userId, reservationId, orderId, showId, amount };
  if (!before) {
    return failure === null
      ? [{ type: 'payment.completed.v1', aggregate: id, data }]
      : [{ type: 'payment.failed.v1', aggregate: id, data: { ...data, failure } }];
  }
  if (before.status === status || cancelledAt === null) return [];
  return [{ type: 'payment.cancelled.v1', aggregate: id, data: { ...data, cancelledAt: cancelledAt.toISOString() } }];
};
