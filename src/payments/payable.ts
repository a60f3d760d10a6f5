import type { EntityManager } from '@mikro-orm/core';
import type { Batch, Pass } from '../api/context.ts';
import { badInput, notFound, type Refusal, type RefusalCode, refuse } from '../api/problems.ts';
import {
  limitOf,
  ORDERS,
  PRODUCTS,
  RESERVATIONS,
  rowsOf,
  SEATS,
  showLock,
  type Wanted,
} from '../commands/lock-order.ts';
import { type Item, Leave, type Prepared, type Scene } from '../commands/runner.ts';
import { forkOf, type Platform } from '../platform/platform.ts';
import { prepared, sql } from '../platform/postgres.ts';
import { HOUR } from '../platform/units.ts';
import { tokenRequiredNow } from '../queue/require-pass.ts';
import { reservationsById } from '../reservations/read-reservations.ts';
import { findClaims, locksOf, release } from '../reservations/release-reservation.ts';
import type { Reservation } from '../reservations/reservation.ts';
import { forgetBestSellers } from '../shop/best-sellers.ts';
import type { OrderLine, Pieces, Returned } from '../shop/order.ts';
import { findLines, lineKey, ordersById } from '../shop/read-orders.ts';
import { finishToken } from './finish-tokens.job.ts';
import { type AlreadyPaid, alreadyPaid, type Payable, Payment } from './payment.ts';
import { type LineShortage, type NotRefundable, notRefundable, type RefundLine } from './refund.ts';

/** One attempt to pay for a payable. */
export interface Attempt {
  /** Id of the payable. */
  readonly id: string;
  readonly userId: string;
  /** Id of the payment, if it succeeds. */
  readonly paymentId: string;
  /** Pass of the queue token that was sent, of any queue; null without an ACTIVE token. */
  readonly pass: Pass | null;
  /** Error of reading the pass from Redis. */
  readonly fault?: unknown;
}

/** The amount owed for a payable that can be paid, and the steps that follow. The steps change rows in memory only. */
export interface Bill {
  /** In minor units; for 0 no entry is made. */
  readonly amount: number;
  /** Reason for which the payment fails, whatever the balance is; recorded as a FAILED payment. */
  readonly failure?: RefusalCode | undefined;
  /** Gives the payable to the payer. @returns the fields of the payment that name the pass that was used up */
  settle(): Partial<Payment>;
  /** Notes the payment that settled the payable, for later commands of the batch and for the steps after the commit. */
  settled(payment: Payment, pass: Pass | null): void;
  /** Gives the payable up, because the payment failed. */
  release(): void;
}

/** What is to be given back of a payment: the seats or pieces that are named, or all that is left. */
export type Part =
  | 'REST'
  | { readonly seatIds: readonly string[] }
  | { readonly lines: readonly { readonly lineNo: number; readonly quantity: number }[] };

/** A part of a payment that is to be given back, and what the decision depends on. */
export interface Return<Known> {
  /** Locked. */
  readonly payment: Payment;
  readonly part: Part;
  /** The reason that is given to the payer. */
  readonly reason: string | null;
  /** Whether the caller may give anything back: an operator. */
  readonly mayAlways: boolean;
  readonly known: Known;
  /** What was given back of the lines of the orders of the batch, by `lineKey`; refunds of the batch add theirs. */
  readonly returned: Map<string, Returned>;
}

/** What is given back, and the step that follows, which changes rows in memory only. */
export interface Credit {
  /** In minor units; for 0 no entry is made. */
  readonly amount: number;
  readonly seatIds: readonly string[];
  readonly lines: readonly Omit<RefundLine, 'refundId'>[];
  /** Whether nothing is left of the payable afterwards. */
  readonly isRest: boolean;
  /** Takes back what was paid for. */
  settle(): void;
}

/** The steps of paying and of giving payments back that depend on the kind of payable. */
export interface PayableKind<Known = unknown, Facts = unknown> {
  /** Name of the kind in messages. */
  readonly noun: string;
  /** The argument of `pay` and the property of Payment that name it. */
  readonly argument: 'reservationId' | 'orderId';
  /** Loads payables by id, as they are now. */
  readonly byId: Batch<typeof Payable>;
  prepareToPay(platform: Platform, attempts: readonly Attempt[]): Promise<readonly Prepared<Known, never>[]>;
  locksToPay(attempt: Attempt, known: Known): Wanted;
  factsToPay(em: EntityManager, items: readonly Item<Attempt, Known>[], scene: Scene): Promise<readonly Facts[]>;
  /**
   * Checks, in the order of the contract, every condition that comes before the balance.
   * @returns a refusal that is not recorded as a payment, or the bill
   * @throws CallerError NOT_FOUND for a payable that is not the caller's; QUEUE_TOKEN_REQUIRED
   */
  bill(item: Item<Attempt, Known, Facts>, scene: Scene): AlreadyPaid | Refusal | Bill;
  /** Reads the data of payables that the locks depend on, by id. */
  prepareToRefund(platform: Platform, ids: readonly string[]): Promise<ReadonlyMap<string, Known>>;
  /** Names the rows to lock before a payment is given back, besides the payment and the wallet. */
  locksToRefund(id: string, known: Known): Wanted;
  /** Instants until which the owners may have their payments given back, by id of the payable. */
  refundedUntil(em: EntityManager, payments: readonly Payment[], scene: Scene): Promise<ReadonlyMap<string, Date>>;
  /**
   * Checks that the part is there to be given back. The payment is COMPLETED.
   * @returns NotRefundable; a Refusal NOT_CANCELLABLE for tickets that were checked in, unless the caller may always;
   * Leave when the payable is no longer as `prepareToRefund` has read it; or the credit
   */
  credit(asked: Return<Known>, scene: Scene): NotRefundable | Refusal | Leave | Credit;
}

// ------------------------------------------------------------------ reservations

/** The data of a reservation that never changes, and the other reservations made under the payer's token. */
interface KnownReservation {
  readonly reservation: Reservation | undefined;
  /** The payer's limit for the show, where a late payment may take seats that were given up; else empty. */
  readonly limits: readonly string[];
  readonly others: readonly Reservation[];
}

interface ReservationFacts {
  readonly startsAt: Date;
  /** When the show was cancelled; null: it takes place. */
  readonly cancelledAt: Date | null;
  /** When the concert was withdrawn; null: it is shown. */
  readonly withdrawnAt: Date | null;
  /** The queue in front of the concert, or null. */
  readonly queueId: string | null;
  readonly queueState: string | null;
  /** Whether the queue token has paid already; Redis may not know yet. One object for all commands with the token. */
  readonly token: { isUsed: boolean };
  /** The reservation's COMPLETED payment. One object for all commands about the reservation. */
  readonly paid: { by: Payment | null };
  /** Seats of the show that the user holds by other reservations or has bought; 0 unless LATE_PAYMENT=accept. */
  readonly mine: number;
}

/**
 * A reservation: paying turns its holds into tickets and uses up the queue token, cancelling puts its seats back on
 * sale.
 */
const RESERVATION: PayableKind<KnownReservation, ReservationFacts> = {
  noun: 'reservation',
  argument: 'reservationId',
  byId: reservationsById,

  async prepareToPay(platform, attempts) {
    const ids = attempts.map(({ id }) => id);
    const tokens = attempts.flatMap(({ pass }) => pass?.tokenHash ?? []);
    const held = tokens.length > 0 ? [{ tokenHash: { $in: tokens }, storedStatus: 'HELD' }] : [];
    const rows = await findClaims(forkOf(platform), { $or: [{ id: { $in: ids } }, ...held] });
    return attempts.map(({ id, userId, pass }) => {
      const reservation = rows.find((row) => row.id === id);
      const isLateAccepted = reservation && platform.config.LATE_PAYMENT === 'accept';
      const limits = isLateAccepted ? [limitOf(userId, reservation.showId)] : [];
      const others = rows.filter((row) => row.id !== id && pass !== null && row.tokenHash === pass.tokenHash);
      return { known: { reservation, limits, others } };
    });
  },

  locksToPay: (_attempt, { reservation, limits, others }) =>
    reservation ? { ...locksOf([reservation, ...others]), shared: [showLock(reservation.showId)], limits } : {},

  async factsToPay(em, items, { platform: { config } }) {
    const rows = await sql<Omit<ReservationFacts, 'token' | 'paid'> & { tokenUsed: boolean }>(
      em,
      prepared(`select sh.starts_at as "startsAt", sh.cancelled_at as "cancelledAt",
         c.withdrawn_at as "withdrawnAt", c.queue_id as "queueId", q.state as "queueState",
         exists (select from payment p where p.token_hash = u.token and p.status <> 'FAILED') as "tokenUsed",
         case when $3 then
           (select count(*) from hold h where h.show_id = r.show_id and h.user_id = r.user_id and h.reservation_id <> r.id
              and h.expires_at > clock_timestamp())
           + (select count(*) from ticket t where t.show_id = r.show_id and t.user_id = r.user_id)
         else 0 end as mine
       from unnest($1::uuid[], $2::text[]) with ordinality as u (id, token, place)
         left join reservation r on r.id = u.id left join show sh on sh.id = r.show_id
         left join concert c on c.id = sh.concert_id left join queue q on q.id = c.queue_id
       order by u.place`),
      [
        items.map(({ asked }) => asked.id),
        items.map(({ asked: { pass } }) => pass?.tokenHash ?? null),
        config.LATE_PAYMENT === 'accept',
      ],
    );
    const ids = items.map(({ asked }) => asked.id);
    const paid = await paidBy(em, 'reservationId', ids);
    const tokens = new Map<string, { isUsed: boolean }>();
    return rows.map(({ tokenUsed, ...facts }, index) => {
      const name = items[index]?.asked.pass?.tokenHash ?? '';
      const token = tokens.get(name) ?? { isUsed: tokenUsed };
      tokens.set(name, token);
      return { ...facts, token, paid: paid(ids[index] as string) };
    });
  },

  bill({ asked: { id, userId, pass, fault }, known, facts }, scene) {
    const { now, platform } = scene;
    const reservation = scene.find(RESERVATIONS, id);
    if (reservation?.userId !== userId) throw notFound('reservation');
    // What was paid may have been given back by a command of the same batch.
    if (facts.paid.by && reservation.storedStatus === 'CONFIRMED') return alreadyPaid(facts.paid.by);
    if (facts.withdrawnAt !== null) return refuse('WITHDRAWN');
    if (facts.cancelledAt !== null) return refuse('SHOW_CANCELLED');
    const { storedStatus, seatIds, amount } = reservation;
    if (storedStatus === 'RELEASED' || storedStatus === 'CANCELLED' || facts.startsAt <= now)
      return refuse('NOT_PAYABLE');
    if (facts.queueId !== null) {
      if (fault) throw fault;
      if (pass?.queueId !== facts.queueId || facts.token.isUsed)
        throw tokenRequiredNow(facts.queueId, facts.queueState);
    }
    const used = facts.queueId === null ? null : pass;
    const seats = seatIds.map((seatId) => scene.get(SEATS, seatId));
    const held = seats.filter((seat) => seat.isHeldBy(id, now)).length;
    const isLost = seats.some((seat) => !seat.isFree(now) && !seat.isHeldBy(id, now));
    const { LATE_PAYMENT, SEATS_PER_USER } = platform.config;
    const limit = limitOf(userId, reservation.showId);
    const has = facts.mine + scene.granted(limit);
    const isLate = LATE_PAYMENT === 'accept' && has + seats.length <= SEATS_PER_USER;
    return {
      amount,
      failure: !isLost && (held === seats.length || isLate) ? undefined : 'HOLD_EXPIRED',
      settle() {
        for (const seat of seats) seat.sell(reservation, now);
        scene.grant(limit, seats.length - held);
        reservation.confirm(now);
        if (!used) return {};
        // The token is used up: its other holds are given up.
        for (const other of known.others) {
          const row = scene.get(RESERVATIONS, other.id);
          if (row.storedStatus === 'HELD') release(row, scene);
        }
        return { queueId: used.queueId, tokenHash: used.tokenHash };
      },
      settled(payment) {
        facts.paid.by = payment;
        if (!used) return;
        facts.token.isUsed = true;
        scene.after(() => finishToken(platform, payment.id, used));
      },
      release() {
        if (reservation.storedStatus === 'HELD') release(reservation, scene);
      },
    };
  },

  async prepareToRefund(platform, ids) {
    const rows = await findClaims(forkOf(platform), { id: { $in: ids } });
    return new Map(rows.map((reservation) => [reservation.id, { reservation, limits: [], others: [] }]));
  },

  locksToRefund: (_id, { reservation }) => locksOf(reservation ? [reservation] : []),

  async refundedUntil(em, payments) {
    const rows = await sql<{ id: string; startsAt: Date }>(
      em,
      `select r.id, sh.starts_at as "startsAt" from reservation r join show sh on sh.id = r.show_id where r.id = any($1)`,
      [payments.map(({ reservationId }) => reservationId)],
    );
    return new Map(rows.map(({ id, startsAt }) => [id, startsAt]));
  },

  credit({ payment, part, reason, mayAlways, known }, scene) {
    const reservation = scene.get(RESERVATIONS, payment.reservationId as string);
    const { id } = reservation;
    if (!known.reservation || !reservation.hasSeats(known.reservation)) return new Leave();
    if (part !== 'REST' && 'lines' in part) return notRefundable({ lines: noneLeftOf(part.lines) });
    const seatIds = part === 'REST' ? reservation.seatIds : part.seatIds;
    const lacking = seatIds.filter((seatId) => !reservation.seatIds.includes(seatId));
    if (lacking.length > 0) return notRefundable({ seatIds: lacking });
    const seats = seatIds.map((seatId) => scene.get(SEATS, seatId));
    if (!mayAlways && seats.some(({ ticket }) => ticket?.checkedInAt)) return refuse('NOT_CANCELLABLE');
    const isRest = seatIds.length === reservation.seatIds.length;
    return {
      amount: isRest ? payment.amount - payment.refunded : reservation.priceOf(seatIds),
      ...{ seatIds, lines: [], isRest },
      settle() {
        if (isRest) reservation.cancel(reason, scene.now);
        else reservation.giveBack(seatIds);
        for (const seat of seats) seat.takeBack(id);
      },
    };
  },
};

// ------------------------------------------------------------------ orders

/** The lines of an order, which never change. */
type Lines = readonly OrderLine[];

interface KnownOrder {
  readonly lines: Lines;
  /** Products whose stock may have to be given back. */
  readonly productIds: readonly string[];
}

/**
 * An order: its stock was taken when it was placed. Paying needs no queue token; cancelling gives stock and coupon
 * back.
 */
const ORDER: PayableKind<KnownOrder, { readonly paid: { by: Payment | null } }> = {
  noun: 'order',
  argument: 'orderId',
  byId: ordersById,

  async prepareToPay(platform, attempts) {
    const ids = attempts.map(({ id }) => id);
    const known = await readLines(platform, ids);
    // The stock was taken when the order was placed: only giving it back needs the locks of the products.
    const mayBeReleased = platform.config.ON_PAYMENT_FAILURE === 'release';
    return ids.map((id) => {
      const { lines, productIds } = known.get(id) ?? { lines: [], productIds: [] };
      return { known: { lines, productIds: mayBeReleased ? productIds : [] } };
    });
  },

  locksToPay: ({ id }, known) => ORDER.locksToRefund(id, known),

  async factsToPay(em, items) {
    const ids = items.map(({ asked }) => asked.id);
    const paid = await paidBy(em, 'orderId', ids);
    return ids.map((id) => ({ paid: paid(id) }));
  },

  bill({ asked: { id, userId }, known: { lines }, facts }, scene) {
    const order = scene.find(ORDERS, id);
    if (order?.userId !== userId) throw notFound('order');
    const status = order.statusAt(scene.now);
    if (status === 'PAID' && facts.paid.by) return alreadyPaid(facts.paid.by);
    if (status !== 'PLACED') return refuse('NOT_PAYABLE');
    return {
      amount: order.total,
      settle() {
        scene.insert(...order.pay(dayIn(scene.platform.config.TIME_ZONE, scene.now), lines));
        scene.afterOnce(forgetBestSellers);
        return {};
      },
      settled(payment) {
        facts.paid.by = payment;
      },
      release() {
        order.cancel();
        giveBack(lines, scene);
      },
    };
  },

  prepareToRefund: readLines,
  locksToRefund: (id, { productIds }) => ({ rows: [rowsOf(ORDERS, [id]), rowsOf(PRODUCTS, productIds)] }),

  async refundedUntil(_em, payments, { platform: { config } }) {
    const ms = config.CANCEL_HOURS * HOUR;
    return new Map(payments.map(({ orderId, createdAt }) => [orderId as string, new Date(createdAt.getTime() + ms)]));
  },

  credit({ payment, part, known, returned }, scene) {
    const order = scene.get(ORDERS, payment.orderId as string);
    if (part !== 'REST' && 'seatIds' in part) return notRefundable({ seatIds: [...part.seatIds] });
    const returnedOf = ({ lineNo }: { lineNo: number }): Returned =>
      returned.get(lineKey(order.id, lineNo)) ?? { quantity: 0, amount: 0 };
    const left = new Map(known.lines.map((line) => [line.lineNo, line.quantity - returnedOf(line).quantity]));
    const wanted = part === 'REST' ? [...left].map(([lineNo, quantity]) => ({ lineNo, quantity })) : part.lines;
    const short = wanted.filter(({ lineNo, quantity }) => quantity > (left.get(lineNo) ?? 0));
    if (short.length > 0) {
      return notRefundable({
        lines: short.map(({ lineNo, quantity }) => ({ lineNo, requested: quantity, left: left.get(lineNo) ?? 0 })),
      });
    }
    const taken = known.lines.flatMap((line) => {
      const quantity = wanted.find(({ lineNo }) => lineNo === line.lineNo)?.quantity ?? 0;
      return quantity > 0 ? [{ line, quantity, amount: line.refundOf(quantity, returnedOf(line)) }] : [];
    });
    const pieces = taken.reduce((sum, { quantity }) => sum + quantity, 0);
    const isRest = pieces === [...left.values()].reduce((sum, quantity) => sum + quantity, 0);
    return {
      amount: taken.reduce((sum, { amount }) => sum + amount, 0),
      seatIds: [],
      lines: taken.map(({ line: { orderId, lineNo }, quantity, amount }) => ({ orderId, lineNo, quantity, amount })),
      isRest,
      settle() {
        const back = taken.map(({ line: { productId, unitPrice }, quantity }) => ({
          ...{ productId, quantity },
          amount: quantity * unitPrice,
        }));
        scene.insert(...order.giveBack(back));
        giveBack(back, scene);
        if (isRest) order.refund();
        for (const { line, quantity, amount } of taken) {
          const before = returnedOf(line);
          returned.set(lineKey(order.id, line.lineNo), {
            quantity: before.quantity + quantity,
            amount: before.amount + amount,
          });
        }
        scene.afterOnce(forgetBestSellers);
      },
    };
  },
};

async function readLines(platform: Platform, orderIds: readonly string[]): Promise<Map<string, KnownOrder>> {
  return new Map(
    [...(await findLines(forkOf(platform), orderIds))].map(([orderId, lines]) => [
      orderId,
      { lines, productIds: [...new Set(lines.map(({ productId }) => productId))] },
    ]),
  );
}

/** The lines, as lines of a payment that is for none. */
function noneLeftOf(lines: readonly { readonly lineNo: number; readonly quantity: number }[]): LineShortage[] {
  return lines.map(({ lineNo, quantity }) => ({ lineNo, requested: quantity, left: 0 }));
}

/** Gives pieces back to the stock. Products made to order have no stock and are not locked. */
function giveBack(pieces: readonly Pick<Pieces, 'productId' | 'quantity'>[], scene: Scene): void {
  for (const { productId, quantity } of pieces) scene.find(PRODUCTS, productId)?.giveBack(quantity);
}

/** The calendar date of an instant, YYYY-MM-DD. @param timeZone IANA name */
function dayIn(timeZone: string, at: Date): string {
  return at.toLocaleDateString('sv-SE', { timeZone });
}

// ------------------------------------------------------------------ both

/** Every kind of thing that can be paid for. */
const PAYABLES = [RESERVATION, ORDER] as unknown as readonly PayableKind[];

/** One payable, paid for or not. */
export interface PayableRef {
  readonly kind: PayableKind;
  readonly id: string;
}

/**
 * @returns the payable that a payment, or the input of `pay`, names
 * @throws CallerError BAD_USER_INPUT when it names none, or several
 */
export function payableOf(named: Partial<Pick<Payment, PayableKind['argument']>>): PayableRef {
  const refs = PAYABLES.flatMap((kind) => {
    const id = named[kind.argument];
    return typeof id === 'string' ? [{ kind, id }] : [];
  });
  const [ref, another] = refs;
  if (ref && !another) return ref;
  throw badInput('input', `must have exactly one of: ${PAYABLES.map(({ argument }) => argument).join(', ')}`);
}

/** Runs `work` for the items of each kind, kind after kind. @returns its answers, in the order of `items` */
export async function forEachKind<Item, Answer>(
  items: readonly Item[],
  kindOf: (item: Item) => PayableKind,
  work: (kind: PayableKind, items: readonly Item[]) => Promise<readonly Answer[]>,
): Promise<Answer[]> {
  const answers = new Map<Item, Answer>();
  for (const [kind, ofKind] of Map.groupBy(items, kindOf)) {
    const found = await work(kind, ofKind);
    for (const [index, item] of ofKind.entries()) answers.set(item, found[index] as Answer);
  }
  return items.map((item) => answers.get(item) as Answer);
}

/** Reads the COMPLETED payment of each payable: one object for all commands about the same payable. */
async function paidBy(
  em: EntityManager,
  argument: PayableKind['argument'],
  ids: readonly string[],
): Promise<(id: string) => { by: Payment | null }> {
  const where = { [argument]: { $in: [...ids] }, status: 'COMPLETED' as const };
  const payments = await em.find(Payment, where, { disableIdentityMap: true });
  const paid = new Map(ids.map((id) => [id, { by: payments.find((payment) => payment[argument] === id) ?? null }]));
  return (id) => paid.get(id) as { by: Payment | null };
}
