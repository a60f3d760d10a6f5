import type { EntityManager } from '@mikro-orm/core';
import type { Seat } from '../concerts/seat.ts';
import type { Config } from '../config.ts';
import { type Context, callerOf, type Pass } from '../context.ts';
import { newId } from '../platform/ids.ts';
import { sql } from '../platform/postgres.ts';
import { notFound, type RefusalCode, refuse } from '../problems.ts';
import { tokenRequired } from '../queue/require-pass.ts';
import { freeSeats } from '../reservations/free-seats.ts';
import type { Reservation } from '../reservations/reservation.ts';
import type { Ledger } from '../wallet/post-entry.ts';
import { type Admission, requireAdmission } from './find-admission.ts';
import { lookAtPayable, type PayFacts } from './look-at-payable.ts';
import { alreadyPaid, insufficientBalance, type PayAnswer } from './pay-problems.ts';
import { Payment } from './payment.ts';
import { sellSeats } from './sell-seats.ts';

/** The answer, and the seats that changed. */
export interface Outcome {
  readonly answer: PayAnswer;
  readonly seats: Seat[];
  /** The pass that the payment used up, or null. */
  readonly pass: Pass | null;
}

/** One attempt to pay. */
export interface Attempt {
  readonly reservationId: string;
  /** Of the payment, if it succeeds. */
  readonly paymentId: string;
  readonly admission: Admission;
}

/**
 * Pays, in `em`'s transaction, for a reservation that is locked with its seats: checks in the contract's order, writes.
 * Refusals that are recorded as FAILED payments are written too, for the transaction to commit.
 */
export async function payForReservation(
  em: EntityManager,
  ledger: Ledger,
  context: Context,
  attempt: Attempt,
): Promise<Outcome> {
  const { id: userId } = callerOf(context);
  const { admission } = attempt;
  const facts = await lookAtPayable(em, attempt.reservationId, admission.pass?.tokenHash ?? null);
  if (facts?.reservation.userId !== userId) throw notFound('reservation');
  const { reservation } = facts;
  const refusal = await judgeStatus(em, facts);
  if (refusal) return refused(refusal);
  const pass = await requireAdmission(context, facts.queueId, admission);
  if (pass && facts.tokenUsed) throw await tokenRequired(context.platform, pass.queueId);
  if (!mayHaveSeats(facts, context.platform.config)) {
    await recordFailure(em, reservation, 'HOLD_EXPIRED');
    return refused(refuse('HOLD_EXPIRED'));
  }
  const { amount } = reservation;
  if (ledger.balance < amount) {
    await recordFailure(em, reservation, 'INSUFFICIENT_BALANCE');
    return refused(insufficientBalance(ledger.balance, amount));
  }
  const { payment, seats } = await sellSeats(em, reservation, attempt.paymentId, pass);
  const freed = pass && facts.others.length > 0 ? await freeSeats(em, facts.others, 'RELEASED') : [];
  if (amount > 0) ledger.postEntry({ kind: 'PAYMENT', amount: -amount, paymentId: payment.id });
  return { answer: payment, seats: [...seats, ...freed], pass };
}

function refused(answer: PayAnswer): Outcome {
  return { answer, seats: [], pass: null };
}

async function judgeStatus(em: EntityManager, facts: PayFacts): Promise<PayAnswer | undefined> {
  const { status } = facts.reservation;
  if (facts.paidBy) return alreadyPaid(await em.findOneOrFail(Payment, { id: facts.paidBy }));
  const over = status === 'RELEASED' || status === 'CANCELLED' || facts.started;
  return over ? refuse('NOT_PAYABLE') : undefined;
}

/**
 * Whether every seat is held for the reservation, or, where late payment is accepted, had by nobody else and within
 * what one user may have.
 */
function mayHaveSeats({ held, lost, mine, reservation }: PayFacts, { LATE_PAYMENT, SEATS_PER_USER }: Config): boolean {
  const asked = reservation.seatIds.length;
  if (lost > 0) return false;
  return held === asked || (LATE_PAYMENT === 'accept' && mine + asked <= SEATS_PER_USER);
}

async function recordFailure(em: EntityManager, reservation: Reservation, failure: RefusalCode): Promise<void> {
  await sql(
    em,
    `insert into payment (id, user_id, reservation_id, amount, status, failure) values ($1, $2, $3, $4, 'FAILED', $5)`,
    [newId(), reservation.userId, reservation.id, reservation.amount, failure],
  );
}
