import type { EntityClass } from '@mikro-orm/core';
import * as z from 'zod/mini';

/*
 * The events that other systems learn of. This catalogue is the contract: schema/events/ is emitted from it. Data has
 * ids, amounts, statuses and times; never names, tokens or keys.
 */

const id = z.uuid();
/** An amount in minor units of the currency. */
const money = z.int().check(z.minimum(0));
const time = z.iso.datetime();

const reservation = { reservationId: id, userId: id, showId: id, seatIds: z.array(id), amount: money };
const payment = {
  paymentId: id,
  userId: id,
  /** What was paid for: one of the two. The show is that of the reservation. */
  reservationId: z.nullable(id),
  orderId: z.nullable(id),
  showId: z.nullable(id),
  amount: money,
};
const order = { orderId: id, userId: id, total: money };
const charge = { chargeId: id, userId: id, amount: money };
const queue = { queueId: id };

/** The data of each event, by the type that the envelope carries. */
export const EVENT_TYPES = {
  'reservation.held.v1': z.strictObject({ ...reservation, expiresAt: time }),
  'reservation.released.v1': z.strictObject(reservation),
  'reservation.lapsed.v1': z.strictObject(reservation),
  'reservation.confirmed.v1': z.strictObject(reservation),
  'reservation.moved.v1': z.strictObject({ ...reservation, fromSeatIds: z.array(id) }),
  'payment.completed.v1': z.strictObject(payment),
  'payment.failed.v1': z.strictObject({ ...payment, failure: z.string() }),
  'payment.refunded.v1': z.strictObject({
    ...payment,
    refundId: id,
    /** Sum of all refunds of the payment, this one included. */
    refunded: money,
    seatIds: z.array(id),
    lines: z.array(z.strictObject({ lineNo: z.int(), quantity: z.int().check(z.minimum(1)) })),
  }),
  'payment.cancelled.v1': z.strictObject({ ...payment, cancelledAt: time }),
  'order.placed.v1': z.strictObject({
    ...order,
    subtotal: money,
    discount: money,
    issuedCouponId: z.nullable(id),
    payBy: time,
    lines: z.array(z.strictObject({ productId: id, quantity: z.int().check(z.minimum(1)), unitPrice: money })),
  }),
  'order.paid.v1': z.strictObject(order),
  'order.cancelled.v1': z.strictObject(order),
  'order.lapsed.v1': z.strictObject(order),
  /** A charge waits for the payment provider. */
  'charge.pending.v1': z.strictObject({ ...charge, expiresAt: time }),
  'charge.completed.v1': z.strictObject({ ...charge, entryId: id }),
  'charge.failed.v1': z.strictObject(charge),
  /** No money came in time. When it comes all the same, the charge is completed. */
  'charge.expired.v1': z.strictObject(charge),
  'wallet.adjusted.v1': z.strictObject({
    userId: id,
    entryId: id,
    /** Below 0 where money was taken. */
    amount: z.int(),
  }),
  'coupon.claimed.v1': z.strictObject({
    couponId: id,
    issuedCouponId: id,
    userId: id,
    serial: z.int().check(z.minimum(1)),
  }),
  /** An operator changed its times, or added some. */
  'coupon.changed.v1': z.strictObject({
    couponId: id,
    quantity: z.int().check(z.minimum(1)),
    startsAt: time,
    endsAt: time,
  }),
  'coupon.closed.v1': z.strictObject({ couponId: id, closedAt: time }),
  /** An operator changed its texts or its price, which is the one of later orders. */
  'product.changed.v1': z.strictObject({ productId: id, price: money }),
  'product.withdrawn.v1': z.strictObject({ productId: id, withdrawnAt: time }),
  'stock.changed.v1': z.strictObject({ productId: id, stock: z.int().check(z.minimum(0)) }),
  'ticket.checked_in.v1': z.strictObject({
    ...{ ticketId: id, reservationId: id, showId: id, seatId: id, userId: id },
    checkedInAt: time,
  }),
  /** An operator changed its place or its time. */
  'show.changed.v1': z.strictObject({
    showId: id,
    concertId: id,
    venue: z.string(),
    startsAt: time,
    before: z.strictObject({ venue: z.string(), startsAt: time }),
  }),
  'concert.withdrawn.v1': z.strictObject({ concertId: id, withdrawnAt: time }),
  'show.cancelled.v1': z.strictObject({ showId: id, concertId: id, reason: z.string() }),
  'show.sold_out.v1': z.strictObject({ showId: id, concertId: id }),
  /** The name is gone; the ids stay. */
  'user.deleted.v1': z.strictObject({ userId: id, deletedAt: time }),
  'queue.opened.v1': z.strictObject(queue),
  'queue.paused.v1': z.strictObject(queue),
  'queue.resumed.v1': z.strictObject(queue),
  'queue.closed.v1': z.strictObject(queue),
  'queue.drained.v1': z.strictObject(queue),
} as const;

export type EventType = keyof typeof EVENT_TYPES;
export type EventData<T extends EventType> = z.infer<(typeof EVENT_TYPES)[T]>;

/** An event as a command emits it. */
export type NewEvent = {
  [T in EventType]: {
    readonly type: T;
    /** Id of the thing that changed: events of one aggregate are delivered in their order. */
    readonly aggregate: string;
    readonly data: EventData<T>;
  };
}[EventType];

/** The view that a kind has of a batch when it says which events a change means. */
export interface Surroundings {
  /** PostgreSQL's clock, read under the locks. */
  readonly now: Date;
  /** @returns the locked row of a class, as the commands so far have changed it; undefined when it is not locked */
  rowOf<E extends object>(entity: EntityClass<E>, id: string): E | undefined;
}

/** The events of a change of a row; `before` is undefined for a new row. */
export type EventsOf<E> = (
  change: { readonly before: E | undefined; readonly after: E },
  surroundings: Surroundings,
) => readonly NewEvent[];

/** Types whose events tell a state: of several in one transaction only the last one is kept. */
export const LATEST_ONLY: ReadonlySet<EventType> = new Set(['stock.changed.v1']);

export function isEventType(name: string): name is EventType {
  return Object.hasOwn(EVENT_TYPES, name);
}
