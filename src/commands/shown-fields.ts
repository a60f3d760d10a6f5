import type { EntityClass } from '@mikro-orm/core';
import { Session } from '../accounts/session.ts';
import { User } from '../accounts/user.ts';
import { Alert, AlertChannel } from '../alerts/alert.ts';
import { PendingCharge } from '../charges/pending-charge.ts';
import { Concert } from '../concerts/concert.ts';
import { Hold, Seat, Ticket } from '../concerts/seat.ts';
import { Show } from '../concerts/show.ts';
import { Coupon, IssuedCoupon } from '../coupons/coupon.ts';
import { Webhook } from '../events/webhook.ts';
import { Payment } from '../payments/payment.ts';
import { Refund, RefundLine } from '../payments/refund.ts';
import { QueueShuffle, QueueShufflePart } from '../queue/draw/queue-shuffle.ts';
import { PriorityCode, Queue } from '../queue/queue.ts';
import { Reservation } from '../reservations/reservation.ts';
import { SalesExport } from '../sales/sales-export.ts';
import { Order, OrderLine, SaleChange } from '../shop/order.ts';
import { Product } from '../shop/product.ts';
import { LedgerEntry, Wallet } from '../wallet/wallet.ts';

/**
 * The fields of each entity that the operators' log shows; what is not listed is never shown. Names of people, and of
 * channels, which may be those of people, texts that people write to each other, addresses, secrets, codes and tokens are
 * never listed: the row that is changed has them, and the log has its id.
 */
export const SHOWN_FIELDS: ReadonlyMap<EntityClass<object>, readonly string[]> = new Map([
  fieldsOf(User, 'id', 'role', 'deletedAt'),
  fieldsOf(Session, 'id', 'userId', 'createdAt', 'endedAt'),
  fieldsOf(
    Queue,
    'id',
    'name',
    'state',
    'opensAt',
    'capacity',
    'admitPerMinute',
    'entriesPerMinute',
    'activeSeconds',
    'maxWaiting',
    'reenter',
    'awaySeconds',
    'board',
  ),
  fieldsOf(PriorityCode, 'queueId', 'priority', 'userId', 'claimedAt'),
  fieldsOf(QueueShuffle, 'queueId', 'drawn', 'drawnAt'),
  fieldsOf(QueueShufflePart, 'queueId', 'priority', 'part'),
  fieldsOf(Concert, 'id', 'title', 'description', 'imageUrl', 'slug', 'queueId', 'withdrawnAt'),
  fieldsOf(
    Show,
    'id',
    'concertId',
    'subtitle',
    'venue',
    'startsAt',
    'durationMinutes',
    'salesOpenAt',
    'salesCloseAt',
    'price',
    'seatCount',
    'cancelledAt',
  ),
  fieldsOf(Seat, 'id', 'showId', 'price', 'holding', 'ticket'),
  fieldsOf(Hold, 'reservationId', 'userId', 'expiresAt'),
  fieldsOf(Ticket, 'id', 'showId', 'seatId', 'reservationId', 'userId', 'checkedInAt'),
  fieldsOf(Reservation, 'id', 'userId', 'showId', 'seatIds', 'status', 'amount', 'expiresAt'),
  fieldsOf(Wallet, 'userId', 'balance'),
  fieldsOf(LedgerEntry, 'id', 'walletId', 'kind', 'amount', 'paymentId', 'refundId', 'cancelsId'),
  fieldsOf(PendingCharge, 'id', 'userId', 'amount', 'status', 'entryId', 'expiresAt'),
  fieldsOf(
    Payment,
    'id',
    'userId',
    'reservationId',
    'orderId',
    'amount',
    'status',
    'failure',
    'refunded',
    'cancelledAt',
  ),
  fieldsOf(Refund, 'id', 'paymentId', 'amount', 'seatIds'),
  fieldsOf(RefundLine, 'refundId', 'orderId', 'lineNo', 'quantity', 'amount'),
  fieldsOf(Product, 'id', 'name', 'description', 'category', 'price', 'stock', 'maxPerUser', 'withdrawnAt'),
  fieldsOf(Order, 'id', 'userId', 'issuedCouponId', 'status', 'subtotal', 'discount', 'total', 'payBy', 'paidOn'),
  fieldsOf(OrderLine, 'orderId', 'lineNo', 'productId', 'quantity', 'unitPrice', 'discount'),
  fieldsOf(SaleChange, 'productId', 'day', 'quantity', 'revenue'),
  fieldsOf(
    Coupon,
    'id',
    'name',
    'discountKind',
    'value',
    'minimumSubtotal',
    'quantity',
    'issued',
    'startsAt',
    'endsAt',
    'closedAt',
  ),
  fieldsOf(IssuedCoupon, 'id', 'userId', 'couponId', 'serial', 'issuedAt'),
  fieldsOf(AlertChannel, 'id', 'kind', 'removedAt'),
  fieldsOf(Alert, 'id', 'channelId', 'status', 'sendAt'),
  fieldsOf(SalesExport, 'id', 'filter', 'expiresAt'),
  fieldsOf(Webhook, 'id', 'events', 'createdAt', 'removedAt'),
]);

function fieldsOf<E extends object>(
  entity: EntityClass<E>,
  ...fields: readonly (keyof E & string)[]
): [EntityClass<object>, readonly string[]] {
  return [entity as EntityClass<object>, fields];
}

/** The type of a row and its shown fields; of an entity that is not listed the type alone. */
export function shownOf(row: object): Record<string, unknown> {
  const fields = SHOWN_FIELDS.get(row.constructor as EntityClass<object>) ?? [];
  const values = row as Record<string, unknown>;
  return Object.fromEntries([
    ['type', row.constructor.name],
    ...fields.map((name) => [name, shownValue(values[name])]),
  ]);
}

function shownValue(value: unknown): unknown {
  const isEntity = value instanceof Object && SHOWN_FIELDS.has(value.constructor as EntityClass<object>);
  return isEntity ? shownOf(value) : value;
}

/** The ids among shown fields: the row's own, and those of what it belongs to. */
export function idsIn(shown: Record<string, unknown>): string[] {
  return Object.entries(shown).flatMap(([name, value]) => (isId(name) && typeof value === 'string' ? value : []));
}

/** Whether a shown field is an id, which says what the row is about, also where it has not changed. */
export function isId(name: string): boolean {
  return name === 'id' || name.endsWith('Id');
}
