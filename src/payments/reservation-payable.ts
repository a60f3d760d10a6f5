import { callerOf } from '../api/context.ts';
import { notFound, type Refusal, refuse } from '../api/problems.ts';
import { publishSeats } from '../concerts/seat-change.ts';
import type { Config } from '../config.ts';
import { sqlRow } from '../platform/postgres.ts';
import { tokenRequired } from '../queue/require-pass.ts';
import { freeSeats } from '../reservations/free-seats.ts';
import { reservationsById } from '../reservations/read-reservations.ts';
import { returnSeats } from '../reservations/return-seats.ts';
import { requireAdmission } from './find-admission.ts';
import { finishToken } from './finish-tokens.job.ts';
import { lookAtPayable, type PayFacts } from './look-at-payable.ts';
import { type AlreadyPaid, alreadyPaid } from './pay-problems.ts';
import type { PayableKind } from './payable-kind.ts';
import { Payment } from './payment.ts';
import { sellSeats } from './sell-seats.ts';

/** A reservation: paying turns its holds into tickets and uses up the queue token, cancelling puts its seats back on sale. */
export const RESERVATION: PayableKind = {
  noun: 'reservation',
  argument: 'reservationId',
  column: 'reservation_id',
  byId: reservationsById,

  locksToPay: ({ platform }, id, { pass }) => ({
    ...(platform.config.LATE_PAYMENT === 'accept' && { limitsOf: [id] }),
    reservations: [id],
    tokens: pass ? [pass.tokenHash] : [],
  }),

  locksToCancel: (id) => ({ reservations: [id] }),

  async judge(em, context, { id, paymentId, admission }) {
    const facts = await lookAtPayable(em, id, admission.pass?.tokenHash ?? null);
    if (facts?.reservation.userId !== callerOf(context).id) throw notFound('reservation');
    const { reservation, others } = facts;
    const refusal = judgeStatus(facts, facts.paidBy && (await em.findOneOrFail(Payment, { id: facts.paidBy })));
    if (refusal) return refusal;
    const pass = await requireAdmission(context, facts.showQueueId, admission);
    if (pass && facts.tokenUsed) throw await tokenRequired(context.platform, pass.queueId);
    return {
      amount: reservation.amount,
      failure: mayHaveSeats(facts, context.platform.config) ? undefined : 'HOLD_EXPIRED',
      settle: async () => {
        const { payment, seats } = await sellSeats(em, reservation, paymentId, pass);
        const freed = pass && others.length > 0 ? await freeSeats(em, others, 'RELEASED') : [];
        return {
          payment,
          announce: async (platform) => {
            publishSeats(platform, [...seats, ...freed]);
            if (pass) await finishToken(platform, payment.id, pass);
          },
        };
      },
      release: async () => {
        const seats = await freeSeats(em, [id], 'RELEASED');
        return async (platform) => publishSeats(platform, seats);
      },
    };
  },

  async mayCancel(em, _config, id) {
    const { ahead } = await sqlRow<{ ahead: boolean }>(
      em,
      `select sh.starts_at > clock_timestamp() as ahead
       from reservation r join show sh on sh.id = r.show_id where r.id = $1`,
      [id],
    );
    return ahead;
  },

  async takeBack(em, id) {
    const seats = await returnSeats(em, id);
    return async (platform) => publishSeats(platform, seats);
  },
};

function judgeStatus(facts: PayFacts, paidBy: Payment | null | ''): AlreadyPaid | Refusal | undefined {
  const { status } = facts.reservation;
  if (paidBy) return alreadyPaid(paidBy);
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
