import { type ClassType, Field, ID, Int, InterfaceType, ObjectType } from 'type-graphql';
import { DateTime, Money } from '../api/scalars.ts';
import type { Envelope } from './envelope.ts';

@InterfaceType({
  description: 'Something that was committed; schema/events/ describes the same for other systems',
  resolveType: ({ type }: SalesEvent) => classOf(type).name,
})
export abstract class SalesEvent {
  @Field(() => ID, { description: 'The same in every delivery: doubles are dropped by it' })
  id!: string;

  @Field(() => String, { description: 'Such as payment.completed.v1' })
  type!: string;

  @Field(() => DateTime)
  time!: Date;

  @Field(() => String, {
    description: 'Goes up with every event; digits of equal length. Events of one subject are in this order',
  })
  sequence!: string;

  @Field(() => ID, { description: 'Id of the thing that changed, such as the payment' })
  subject!: string;

  @Field(() => ID, { nullable: true, description: 'The show that it is about; null for what is about none' })
  showId!: string | null;

  @Field(() => ID, {
    nullable: true,
    description: 'Whose reservation, payment, order or coupon; null for other events',
  })
  userId!: string | null;
}

@ObjectType({ implements: SalesEvent, description: 'reservation.held, released, lapsed, confirmed, moved' })
export class ReservationEvent extends SalesEvent {
  @Field(() => ID)
  reservationId!: string;

  @Field(() => [ID])
  seatIds!: string[];

  @Field(() => Money)
  amount!: number;

  @Field(() => DateTime, { nullable: true, description: 'End of the hold; of reservation.held only' })
  expiresAt!: Date | null;
}

@ObjectType({ implements: SalesEvent, description: 'payment.completed, failed, refunded, cancelled' })
export class PaymentEvent extends SalesEvent {
  @Field(() => ID)
  paymentId!: string;

  @Field(() => ID, { nullable: true, description: 'The reservation that was paid for; null for an order' })
  paidReservationId!: string | null;

  @Field(() => ID, { nullable: true, description: 'The order that was paid for; null for a reservation' })
  paidOrderId!: string | null;

  @Field(() => Money)
  amount!: number;

  @Field(() => String, { nullable: true, description: 'Code of the refusal; of payment.failed only' })
  failure!: string | null;

  @Field(() => ID, { nullable: true, description: 'The refund; of payment.refunded only' })
  refundId!: string | null;

  @Field(() => Money, { nullable: true, description: 'Sum of all refunds so far; of payment.refunded only' })
  refunded!: number | null;

  @Field(() => DateTime, { nullable: true, description: 'Of payment.cancelled only' })
  cancelledAt!: Date | null;
}

@ObjectType({ implements: SalesEvent, description: 'order.placed, paid, cancelled, lapsed' })
export class OrderEvent extends SalesEvent {
  @Field(() => ID)
  orderId!: string;

  @Field(() => Money)
  total!: number;

  @Field(() => DateTime, { nullable: true, description: 'End of the time to pay; of order.placed only' })
  payBy!: Date | null;
}

@ObjectType({ implements: SalesEvent, description: 'coupon.claimed' })
export class CouponEvent extends SalesEvent {
  @Field(() => ID)
  couponId!: string;

  @Field(() => ID)
  issuedCouponId!: string;

  @Field(() => Int)
  serial!: number;
}

@ObjectType({ implements: SalesEvent, description: 'stock.changed: several changes at once may be told as one' })
export class StockEvent extends SalesEvent {
  @Field(() => ID)
  productId!: string;

  @Field(() => Int, { description: 'Pieces that can still be ordered' })
  stock!: number;
}

@ObjectType({ implements: SalesEvent, description: 'show.sold_out, changed, cancelled' })
export class ShowEvent extends SalesEvent {
  @Field(() => ID)
  concertId!: string;

  @Field(() => String, { nullable: true, description: 'Where it is from now on; of show.changed only' })
  venue!: string | null;

  @Field(() => DateTime, { nullable: true, description: 'When it is from now on; of show.changed only' })
  startsAt!: Date | null;
}

@ObjectType({ implements: SalesEvent, description: 'queue.opened, paused, resumed, closed, drained' })
export class QueueEvent extends SalesEvent {
  @Field(() => ID)
  queueId!: string;
}

@ObjectType({
  implements: SalesEvent,
  description:
    'coupon.changed, coupon.closed, product.changed, product.withdrawn, concert.withdrawn: by an operator; `subject` is its id',
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
