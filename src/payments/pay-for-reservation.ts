import type { EntityManager } from '@mikro-orm/core';
import type { Seat } from '../concerts/seat.ts';
import { type Context, callerOf } from '../context.ts';
import { lockSeats } from '../lock-order.ts';
import { newId } from '../platform/ids.ts';
import { sql, sqlRow } from '../platform/postgres.ts';
import { notFound, type RefusalCode, refuse } from '../problems.ts';
import { tokenRequired } from '../queue/require-pass.ts';
import { freeSeats } from '../reservations/free-seats.ts';
import { findReservation } from '../reservations/read-reservations.ts';
import type { Reservation } from '../reservations/reservation.ts';
import { postEntry, takeWallet } from '../wallet/post-entry.ts';
import { type Admission, requireAdmission } from './find-admission.ts';
import { alreadyPaid, insufficientBalance, type PayAnswer } from './pay-problems.ts';
import { Payment } from './payment.ts';
import { sellSeats } from './sell-seats.ts';

/** The answer, and the seats that changed. */
export interface Outcome {
  readonly answer: PayAnswer;
  readonly seats: Seat[];
}

/**
 * Pays, in `em`'s transaction: locks, checks in the contract's order, writes. Refusals that are recorded as FAILED
 * payments are written too, for the transaction to commit.
 */
export async function payForReservation(
  em: EntityManager,
  context: Context,
  reservationId: string,
  admission: Admission,
  lost: number,
): Promise<Outcome> {
  const { id: userId } = callerOf(context);
  const others = await lockWithOthers(em, reservationId, admission.pass?.tokenHash ?? null);
  const reservation = await findReservation(em, reservationId);
  if (reservation?.userId !== userId) throw notFound('reservation');
  const refusal = await judgeStatus(em, reservation);
  if (refusal) return { answer: refusal, seats: [] };
  await checkToken(em, context, admission);
  await lockSeats(em, reservation.seatIds);
  if (!(await mayHaveSeats(em, reservation, context.platform.config.LATE_PAYMENT))) {
    await recordPayment(em, reservation, 'HOLD_EXPIRED');
    return { answer: refuse('HOLD_EXPIRED'), seats: [] };
  }
  const wallet = await takeWallet(em, userId, lost);
  const { amount } = reservation;
  if (wallet.balance < amount) {
    await recordPayment(em, reservation, 'INSUFFICIENT_BALANCE');
    return { answer: insufficientBalance(wallet.balance, amount), seats: [] };
  }
  const payment = await recordPayment(em, reservation, null, admission);
  const sold = await sellSeats(em, reservation);
  const freed = others.length > 0 ? await freeSeats(em, others, 'RELEASED') : [];
  if (amount > 0) await postEntry(em, wallet, { kind: 'PAYMENT', amount: -amount, paymentId: payment.id });
  return { answer: payment, seats: [...sold, ...freed] };
}

/** Locks the reservation and the others held under the token, by id. @returns the others */
async function lockWithOthers(em: EntityManager, id: string, tokenHash: string | null): Promise<string[]> {
  const rows = await sql<{ id: string }>(
    em,
    `select id from reservation where id = $1 or (token_hash = $2 and status = 'HELD') order by id for update`,
    [id, tokenHash],
  );
  return rows.map((row) => row.id).filter((other) => other !== id);
}

async function judgeStatus(em: EntityManager, { id, showId, status }: Reservation): Promise<PayAnswer | undefined> {
  if (status === 'CONFIRMED') {
    return alreadyPaid(await em.findOneOrFail(Payment, { reservationId: id, status: 'COMPLETED' }));
  }
  if (status === 'RELEASED' || status === 'CANCELLED') return refuse('NOT_PAYABLE');
  const text = 'select starts_at <= clock_timestamp() as started from show where id = $1';
  const { started } = await sqlRow<{ started: boolean }>(em, text, [showId]);
  return started ? refuse('NOT_PAYABLE') : undefined;
}

/** Redis may not know yet that the token was used up: the payment that used it does. */
async function checkToken(em: EntityManager, context: Context, admission: Admission): Promise<void> {
  await requireAdmission(context, admission);
  if (!admission.pass) return;
  const text = `select id from payment where token_hash = $1 and status <> 'FAILED'`;
  const used = await sql(em, text, [admission.pass.tokenHash]);
  if (used.length > 0) throw await tokenRequired(context.platform, admission.pass.queueId);
}

/** Whether every seat is held for the reservation, or, where late payment is accepted, had by nobody else. */
async function mayHaveSeats(em: EntityManager, reservation: Reservation, late: 'refuse' | 'accept'): Promise<boolean> {
  const { held, lost } = await sqlRow<{ held: number; lost: number }>(
    em,
    `select
       (select count(*)::int from hold where reservation_id = $1 and expires_at > clock_timestamp()) as held,
       (select count(*)::int from hold where seat_id = any($2) and reservation_id <> $1 and expires_at > clock_timestamp())
         + (select count(*)::int from ticket where seat_id = any($2)) as lost`,
    [reservation.id, reservation.seatIds],
  );
  if (lost > 0) return false;
  return held === reservation.seatIds.length || late === 'accept';
}

/** Writes the payment: COMPLETED, or FAILED for a reason. */
async function recordPayment(
  em: EntityManager,
  reservation: Reservation,
  failure: RefusalCode | null,
  admission?: Admission,
): Promise<Payment> {
  const row = await sqlRow<object>(
    em,
    `insert into payment (id, user_id, reservation_id, amount, status, failure, queue_id, token_hash)
     values ($1, $2, $3, $4, $5, $6, $7, $8)
     returning id, user_id, reservation_id, amount, status, failure, created_at, cancelled_at`,
    [
      newId(),
      reservation.userId,
      reservation.id,
      reservation.amount,
      failure ? 'FAILED' : 'COMPLETED',
      failure,
      admission?.pass?.queueId ?? null,
      admission?.pass?.tokenHash ?? null,
    ],
  );
  return em.map(Payment, row);
}
