import { type ClassType, Field, ID, Int, InterfaceType, ObjectType } from 'type-graphql';
import { DateTime, Money } from '../api/scalars.ts';
import type { Envelope } from './envelope.ts';

@InterfaceType({
  description: 'Something that happened and was committed; schema/events/ describes the same for other systems',
  resolveType: ({ type }: SalesEvent) => classOf(type).name,
})
export abstract class SalesEvent {
  @Field(() => ID, { description: 'Id of the event, the same in every delivery: a receiver drops doubles by it' })
  id!: string;

  @Field(() => String, { description: 'What happened, and the version of its data, such as payment.completed.v1' })
  type!: string;

  @Field(() => DateTime, { description: 'When it happened' })
  time!: Date;

  @Field(() => String, {
    description: 'Goes up with every event, in digits of equal length. Events of one `subject` are in this order',
  })
  sequence!: string;

  @Field(() => ID, { description: 'Id of the thing that changed, such as a payment' })
  subject!: string;

  @Field(() => ID, { nullable: true, description: 'Id of the show that the event is about; null for none' })
  showId!: string | null;

  @Field(() => ID, {
    nullable: true,
    description: 'Id of the user whose reservation, payment, order or coupon it is about; null for none',
  })
  userId!: string | null;
}

@ObjectType({
  implements: SalesEvent,
  description:
    'A reservation.held, reservation.released, reservation.lapsed, reservation.confirmed or reservation.moved',
})
export class ReservationEvent extends SalesEvent {
  @Field(() => ID, { description: 'Id of the reservation' })
  reservationId!: string;

  @Field(() => [ID], { description: 'Ids of its seats' })
  seatIds!: string[];

  @Field(() => Money, { description: 'Sum of the prices of its seats' })
  amount!: number;

  @Field(() => DateTime, { nullable: true, description: 'When the hold ends; of reservation.held only' })
  expiresAt!: Date | null;
}

@ObjectType({
  implements: SalesEvent,
  description: 'A payment.completed, payment.failed, payment.refunded or payment.cancelled',
})
export class PaymentEvent extends SalesEvent {
  @Field(() => ID, { description: 'Id of the payment' })
  paymentId!: string;

  @Field(() => ID, { nullable: true, description: 'Id of the reservation that was paid for; null for an order' })
  paidReservationId!: string | null;

  @Field(() => ID, { nullable: true, description: 'Id of the order that was paid for; null for a reservation' })
  paidOrderId!: string | null;

  @Field(() => Money, { description: 'What was paid or to be paid; of payment.refunded what was given back' })
  amount!: number;

  @Field(() => String, { nullable: true, description: 'ProblemCode of the refusal; of payment.failed only' })
  failure!: string | null;

  @Field(() => ID, { nullable: true, description: 'Id of the refund; of payment.refunded only' })
  refundId!: string | null;

  @Field(() => Money, {
    nullable: true,
    description: 'How much was given back so far, this refund included; of payment.refunded only',
  })
  refunded!: number | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When the last of it was given back; of payment.cancelled only',
  })
  cancelledAt!: Date | null;
}

@ObjectType({ implements: SalesEvent, description: 'An order.placed, order.paid, order.cancelled or order.lapsed' })
export class OrderEvent extends SalesEvent {
  @Field(() => ID, { description: 'Id of the order' })
  orderId!: string;

  @Field(() => Money, { description: 'What is to be paid' })
  total!: number;

  @Field(() => DateTime, { nullable: true, description: 'Until when it must be paid; of order.placed only' })
  payBy!: Date | null;
}

@ObjectType({ implements: SalesEvent, description: 'A coupon.claimed' })
export class CouponEvent extends SalesEvent {
  @Field(() => ID, { description: 'Id of the coupon' })
  couponId!: string;

  @Field(() => ID, { description: 'Id of the coupon that was issued' })
  issuedCouponId!: string;

  @Field(() => Int, { description: 'In which place it was claimed: 1 is the first' })
  serial!: number;
}

@ObjectType({ implements: SalesEvent, description: 'A stock.changed; several changes at once may be told as one' })
export class StockEvent extends SalesEvent {
  @Field(() => ID, { description: 'Id of the product' })
  productId!: string;

  @Field(() => Int, { description: 'Pieces that can still be ordered' })
  stock!: number;
}

@ObjectType({ implements: SalesEvent, description: 'A show.sold_out, show.changed or show.cancelled' })
export class ShowEvent extends SalesEvent {
  @Field(() => ID, { description: 'Id of the concert' })
  concertId!: string;

  @Field(() => String, { nullable: true, description: 'Where it takes place from now on; of show.changed only' })
  venue!: string | null;

  @Field(() => DateTime, { nullable: true, description: 'When it begins from now on; of show.changed only' })
  startsAt!: Date | null;
}

@ObjectType({
  implements: SalesEvent,
  description: 'A queue.opened, queue.paused, queue.resumed, queue.closed or queue.drained',
})
export class QueueEvent extends SalesEvent {
  @Field(() => ID, { description: 'Id of the queue' })
  queueId!: string;
}

@ObjectType({
  implements: SalesEvent,
  description:
    'A coupon.changed, coupon.closed, product.changed, product.withdrawn or concert.withdrawn, by an operator; `subject` is its id',
})
export class OfferEvent extends SalesEvent {}

/** The classes by the type without its version, or by its first part. */
const CLASSES: Readonly<Record<string, ClassType<SalesEvent>>> = {
  reservation: ReservationEvent,
  payment: PaymentEvent,
  order: OrderEvent,
  coupon: CouponEvent,
  stock: StockEvent,
  show: ShowEvent,
  queue: QueueEvent,
  product: OfferEvent,
  concert: OfferEvent,
  'coupon.changed': OfferEvent,
  'coupon.closed': OfferEvent,
};

/** Every type that an event can have in the schema. */
export const SALES_EVENTS = [...new Set(Object.values(CLASSES))];

function classOf(type: string): ClassType<SalesEvent> {
  const found = CLASSES[type.replace(/\.v\d+$/, '')] ?? CLASSES[type.slice(0, type.indexOf('.'))];
  if (!found) throw new Error(`no type of the schema for ${type}`);
  return found;
}

/** The data of every type, as far as the fields of a type need more than its name. */
interface Data {
  readonly reservationId?: string | null;
  readonly orderId?: string | null;
  readonly expiresAt?: string;
  readonly cancelledAt?: string;
  readonly payBy?: string;
  readonly startsAt?: string;
}

/** An event as the schema has it. */
export function toSalesEvent({ id, type, time, sequence, subject, data }: Envelope): SalesEvent {
  const { reservationId = null, orderId = null, expiresAt, cancelledAt, payBy, startsAt } = data as Data;
  const dateOf = (text: string | undefined): Date | null => (text === undefined ? null : new Date(text));
  return Object.assign(
    new (classOf(type))(),
    {
      showId: null,
      userId: null,
      failure: null,
      venue: null,
      refundId: null,
      refunded: null,
      paidReservationId: reservationId,
      paidOrderId: orderId,
    },
    data,
    {
      expiresAt: dateOf(expiresAt),
      cancelledAt: dateOf(cancelledAt),
      payBy: dateOf(payBy),
      startsAt: dateOf(startsAt),
    },
    { id, type, sequence, subject, time: new Date(time) },
  );
}
