import { type EntityClass, type EntityManager, LockMode } from '@mikro-orm/core';
import { Session } from '../accounts/session.ts';
import { eventsOfUser, User } from '../accounts/user.ts';
import { AlertChannel, writeChannels } from '../alerts/alert.ts';
import { eventsOfPendingCharge, PendingCharge, writePendingCharges } from '../charges/pending-charge.ts';
import { Concert } from '../concerts/concert.ts';
import { eventsOfTicket, readHolders, Seat, Ticket, writeSeats, writeTickets } from '../concerts/seat.ts';
import { publishSeats } from '../concerts/seat-change.ts';
import { Show } from '../concerts/show.ts';
import { Coupon, eventsOfCoupon, eventsOfIssuedCoupon, IssuedCoupon } from '../coupons/coupon.ts';
import { Webhook } from '../events/webhook.ts';
import { eventsOfPayment, Payment } from '../payments/payment.ts';
import { eventsOfRefund, Refund, RefundLine } from '../payments/refund.ts';
import type { Platform } from '../platform/platform.ts';
import { prepared, sql } from '../platform/postgres.ts';
import { SECOND } from '../platform/units.ts';
import { eventsOfQueue, PriorityCode, Queue } from '../queue/queue.ts';
import { eventsOfReservation, Reservation, writeReservations } from '../reservations/reservation.ts';
import { SalesExport } from '../sales/sales-export.ts';
import { eventsOfOrder, insertLines, Order, OrderLine, writeOrders } from '../shop/order.ts';
import { eventsOfProduct, Product, writeProducts } from '../shop/product.ts';
import { eventsOfEntry, LedgerEntry, Wallet } from '../wallet/wallet.ts';
import type { EventsOf } from './event-types.ts';

/** A row as it was read under its lock, and as the commands of a batch have changed it. */
export interface Changed<E> {
  readonly before: E;
  readonly after: E;
}

/** Rows of one table that commands lock and change. */
export interface Kind<E extends object = object> {
  readonly entity: EntityClass<E>;
  readonly key: (entity: E) => string;
  /** The property that `key` reads. */
  readonly idProperty: string;
  /**
   * How the rows are locked. `wait`: waits for rows that another transaction has locked. `skip`: leaves those rows out.
   * `version`: takes no lock; MikroORM checks the version when it writes. `named`: takes no lock; the command has a lock
   * of `Wanted.exclusive` that guards them.
   */
  readonly lock: 'wait' | 'skip' | 'version' | 'named';
  /** Condition of MikroORM that a row must meet to be read and locked; other rows need no lock. */
  readonly where?: object;
  /** Reads, once the rows are locked, the other data that belongs to them. */
  readonly complete?: (em: EntityManager, entities: readonly E[]) => Promise<void>;
  /** Writes the changed rows in one statement; without it MikroORM updates them one by one. */
  readonly write?: (em: EntityManager, rows: readonly Changed<E>[]) => Promise<void>;
  /** The events that other systems learn of when a row is changed or new. */
  readonly events?: EventsOf<E>;
  /** Publishes the changed rows to subscribers, after the commit. Never throws. */
  readonly announce?: (platform: Platform, entities: readonly E[], now: Date) => void;
}

const byId = { key: ({ id }: { readonly id: string }) => id, idProperty: 'id' };

/** Guarded by the user's exclusive lock: what refers to a user locks the row for sharing, and must not be waited for. */
export const USERS: Kind<User> = { ...byId, entity: User, lock: 'named', events: eventsOfUser };
export const SESSIONS: Kind<Session> = { ...byId, entity: Session, lock: 'wait' };
export const CONCERTS: Kind<Concert> = { ...byId, entity: Concert, lock: 'wait' };
/** Guarded by the show's exclusive lock: what refers to a show locks its row for sharing, and must not be waited for. */
export const SHOWS: Kind<Show> = { ...byId, entity: Show, lock: 'named' };
export const RESERVATIONS: Kind<Reservation> = {
  ...byId,
  entity: Reservation,
  lock: 'wait',
  write: writeReservations,
  events: eventsOfReservation,
};
export const ORDERS: Kind<Order> = {
  ...byId,
  entity: Order,
  lock: 'wait',
  write: writeOrders,
  events: eventsOfOrder,
};
export const SEATS: Kind<Seat> = {
  ...byId,
  entity: Seat,
  lock: 'wait',
  complete: readHolders,
  write: writeSeats,
  announce: (platform, seats, now) =>
    publishSeats(
      platform,
      seats.map((seat) => seat.shownAt(now)),
    ),
};
/** Seats that are locked only where no other transaction has locked them. */
export const SEATS_IF_FREE: Kind<Seat> = { ...SEATS, lock: 'skip' };
/** Tickets that are checked in; those that are sold or taken back are written with their seats, under the seats' locks. */
export const TICKETS: Kind<Ticket> = {
  ...byId,
  entity: Ticket,
  lock: 'wait',
  write: writeTickets,
  events: eventsOfTicket,
};
/** Who orders locks no product made to order: it has no stock that can run out. */
export const PRODUCTS: Kind<Product> = {
  ...byId,
  entity: Product,
  lock: 'wait',
  where: { stock: { $ne: null } },
  write: writeProducts,
  events: eventsOfProduct,
};
/** The other products, locked only by who changes one: each product is of one of the two kinds for good. */
export const MADE_TO_ORDER: Kind<Product> = { ...PRODUCTS, where: { stock: null } };
export const ISSUED_COUPONS: Kind<IssuedCoupon> = {
  ...byId,
  entity: IssuedCoupon,
  lock: 'wait',
  events: eventsOfIssuedCoupon,
};
export const COUPONS: Kind<Coupon> = { ...byId, entity: Coupon, lock: 'wait', events: eventsOfCoupon };
export const PAYMENTS: Kind<Payment> = { ...byId, entity: Payment, lock: 'wait', events: eventsOfPayment };
export const QUEUES: Kind<Queue> = { ...byId, entity: Queue, lock: 'wait', events: eventsOfQueue };
export const WEBHOOKS: Kind<Webhook> = { ...byId, entity: Webhook, lock: 'wait' };
export const PRIORITY_CODES: Kind<PriorityCode> = {
  entity: PriorityCode,
  key: ({ hash }) => hash,
  idProperty: 'hash',
  lock: 'wait',
};
export const ALERT_CHANNELS: Kind<AlertChannel> = {
  ...byId,
  entity: AlertChannel,
  lock: 'wait',
  write: writeChannels,
};
export const SALES_EXPORTS: Kind<SalesExport> = { ...byId, entity: SalesExport, lock: 'wait' };
export const PENDING_CHARGES: Kind<PendingCharge> = {
  ...byId,
  entity: PendingCharge,
  lock: 'wait',
  write: writePendingCharges,
  events: eventsOfPendingCharge,
};
export const WALLETS: Kind<Wallet> = {
  entity: Wallet,
  key: ({ userId }) => userId,
  idProperty: 'userId',
  lock: 'wait',
};

/**
 * The order in which every batch takes its locks, several of one kind by id, so that no two batches wait for each
 * other. Before all of them it takes the locks that have names (`lockNames`): of users, operators and shows, then the
 * limits of users; and the idempotency keys, for which no transaction waits. Under WALLET_GUARD or COUPON_GUARD=redis-lock
 * the lock in Redis comes first, before the transaction.
 */
export const LOCK_ORDER: readonly Kind<never>[] = [
  USERS,
  SESSIONS,
  SHOWS,
  RESERVATIONS,
  ORDERS,
  SEATS,
  SEATS_IF_FREE,
  TICKETS,
  PRODUCTS,
  MADE_TO_ORDER,
  ISSUED_COUPONS,
  COUPONS,
  PAYMENTS,
  QUEUES,
  CONCERTS,
  PRIORITY_CODES,
  WEBHOOKS,
  ALERT_CHANNELS,
  SALES_EXPORTS,
  PENDING_CHARGES,
  WALLETS,
] as unknown as readonly Kind<never>[];

/** The classes whose changes and new rows are events. */
export const EVENTFUL: ReadonlyMap<EntityClass<object>, EventsOf<object>> = new Map<
  EntityClass<object>,
  EventsOf<object>
>([
  ...LOCK_ORDER.flatMap((kind) =>
    kind.events ? [[kind.entity as EntityClass<object>, kind.events as EventsOf<object>] as const] : [],
  ),
  [Refund, eventsOfRefund as EventsOf<object>],
  [LedgerEntry, eventsOfEntry as EventsOf<object>],
]);

/** New rows are written class after class in this order, so that rows exist before others refer to them. */
export const INSERT_ORDER = [
  Reservation,
  Order,
  OrderLine,
  IssuedCoupon,
  Payment,
  Refund,
  RefundLine,
  LedgerEntry,
] as const;

/**
 * Inserts new rows of one class: lines of orders, of which there are hundreds, by `insertLines`, others by MikroORM.
 */
export async function insertRows(em: EntityManager, rows: readonly object[]): Promise<void> {
  if (rows[0] instanceof OrderLine) await insertLines(em, rows as readonly OrderLine[]);
  else await em.insertMany([...rows]);
}

/** Milliseconds that work in a transaction of its own (`runAlone`) waits for the names that it locks. */
export const MAX_ALONE_WAIT_MS = 2 * SECOND;

/** The locks that a command wants: names, and row ids by kind. */
export interface Wanted {
  /** Names that transactions lock at the same time, unless one of them locks it alone. */
  readonly shared?: readonly string[];
  /** Names that one transaction at a time locks, and nobody shares meanwhile. */
  readonly exclusive?: readonly string[];
  /** Names of limits, as `limitOf` makes them: locked after the others, one transaction at a time. */
  readonly limits?: readonly string[];
  readonly rows?: readonly (readonly [Kind<never>, readonly string[]])[];
}

/** One entry of `Wanted.rows`. */
export function rowsOf<E extends object>(
  kind: Kind<E>,
  ids: readonly string[],
): readonly [Kind<never>, readonly string[]] {
  return [kind as unknown as Kind<never>, ids];
}

/** A name to lock, and whether it is shared with others. Sorted by `place`, then by their hashes. */
interface NamedLock {
  readonly name: string;
  readonly isShared: boolean;
  readonly place: number;
}

function namedLocksOf(wanted: readonly Wanted[]): NamedLock[] {
  const exclusive = new Set(wanted.flatMap(({ exclusive = [] }) => exclusive));
  const shared = new Set(wanted.flatMap(({ shared = [] }) => shared)).difference(exclusive);
  const limits = new Set(wanted.flatMap(({ limits = [] }) => limits));
  return [
    ...[...exclusive].map((name) => ({ name, isShared: false, place: 0 })),
    ...[...shared].map((name) => ({ name, isShared: true, place: 0 })),
    ...[...limits].map((name) => ({ name, isShared: false, place: 1 })),
  ];
}

/** Every name that a command wants to lock. */
export function namesWanted({ shared = [], exclusive = [], limits = [] }: Wanted): string[] {
  return [...shared, ...exclusive, ...limits];
}

const NAMED_LOCKS = `unnest($1::text[], $2::boolean[], $3::int[]) as u (name, is_shared, place)`;

function columnsOf(locks: readonly NamedLock[]): unknown[] {
  return [locks.map(({ name }) => name), locks.map(({ isShared }) => isShared), locks.map(({ place }) => place)];
}

/**
 * Bounds the waiting for each lock of `em`'s transaction, and takes the locks of the names that are wanted, until its
 * end; waits for other transactions. What is counted per user and show is counted under such a lock.
 * @param lockMs milliseconds
 */
export async function lockNames(em: EntityManager, wanted: readonly Wanted[], lockMs: number): Promise<void> {
  await sql(
    em,
    prepared(`with patience as materialized (select set_config('lock_timeout', $4, true))
     select case when is_shared then pg_advisory_xact_lock_shared(hash) else pg_advisory_xact_lock(hash) end
     from patience cross join (
       select distinct place, hashtextextended(name, 0) as hash, is_shared from ${NAMED_LOCKS}
       order by place, hash, is_shared offset 0) locks`),
    [...columnsOf(namedLocksOf(wanted)), String(lockMs)],
  );
}

/** Takes those of the wanted names' locks that are free, without waiting. @returns their names */
export async function lockFreeNames(em: EntityManager, wanted: readonly Wanted[]): Promise<string[]> {
  const rows = await sql<{ name: string }>(
    em,
    prepared(`select name from ${NAMED_LOCKS} where $3::int[] is not null and case when is_shared
       then pg_try_advisory_xact_lock_shared(hashtextextended(name, 0))
       else pg_try_advisory_xact_lock(hashtextextended(name, 0)) end`),
    columnsOf(namedLocksOf(wanted)),
  );
  return rows.map(({ name }) => name);
}

/**
 * Reads rows of a kind, by id, and locks them as `kind.lock` says.
 * @returns the rows by id, without those that do not exist, need no lock, or were skipped
 */
export async function lockRows<E extends object>(
  em: EntityManager,
  kind: Kind<E>,
  ids: readonly string[],
): Promise<Map<string, E>> {
  if (ids.length === 0) return new Map();
  const { entity, idProperty, lock, where, write, key } = kind;
  const rows = await em.find(
    entity,
    { ...where, [idProperty]: { $in: [...new Set(ids)].sort() } } as never,
    {
      ...((lock === 'wait' || lock === 'skip') && {
        lockMode: lock === 'wait' ? LockMode.PESSIMISTIC_WRITE : LockMode.PESSIMISTIC_PARTIAL_WRITE,
      }),
      orderBy: { [idProperty]: 1 } as never,
      refresh: true,
      // Rows that `write` writes must not be written by MikroORM as well.
      disableIdentityMap: write !== undefined,
    } as never,
  );
  return new Map((rows as E[]).map((row) => [key(row), row]));
}

/** Ids of the rows that another transaction has locked at this moment. Its own locks end with `em`'s transaction. */
export async function lockedByOthers<E extends object>(
  em: EntityManager,
  kind: Kind<E>,
  ids: readonly string[],
): Promise<string[]> {
  const free = await lockRows(em, { ...kind, lock: 'skip', complete: undefined } as Kind<E>, ids);
  const missing = ids.filter((id) => !free.has(id));
  if (missing.length === 0) return [];
  return [...(await lockRows(em, { ...kind, lock: 'version' }, missing)).keys()];
}

/**
 * The name of a show's lock. Who sells from the show shares it; who changes what is for sale, or ends the sale, has it
 * alone.
 */
export function showLock(showId: string): string {
  return `show:${showId}`;
}

/** The name of a concert's lock. Who adds a show shares it; who withdraws the concert has it alone, before its shows'. */
export function concertLock(concertId: string): string {
  return `concert:${concertId}`;
}

/** The name of the lock under which the operators are counted. */
export const OPERATORS_LOCK = 'operators';

/** The name of a user's lock: who changes the account has it alone. */
export function userLock(userId: string): string {
  return `user:${userId}`;
}

/** The name of the limits that count the orders of a user. */
export function ordersLimit(userId: string): string {
  return `orders:${userId}`;
}

/** The name of the limit that counts the charges of a user that may still be paid. */
export function chargesLimit(userId: string): string {
  return `charges:${userId}`;
}

/** The name of a payment at the payment provider, of which each completes one charge at most. */
export function providerPaymentLimit(paymentId: string): string {
  return `provider-payment:${paymentId}`;
}

/** The name of a limit that is counted per user and show. */
export function limitOf(userId: string, showId: string): string {
  return `${userId}:${showId}`;
}
