import { Field, ID, InputType } from 'type-graphql';
import { publishSeats } from '../concerts/seat-change.ts';
import { type Context, callerOf, isOver } from '../context.ts';
import { idempotencyKeyOf, idOf } from '../input.ts';
import { newId } from '../platform/ids.ts';
import { badInput, Refusal } from '../problems.ts';
import { workOnWallet } from '../wallet/wallet-work.ts';
import { findAdmission } from './find-admission.ts';
import { finishToken } from './finish-tokens.job.ts';
import { keptPayAnswer, restorePayAnswer } from './keep-pay-answer.ts';
import { type Outcome, payForReservation } from './pay-for-reservation.ts';
import type { PayAnswer } from './pay-problems.ts';
import { Payment } from './payment.ts';

@InputType({
  description: `reservationId is needed, else BAD_USER_INPUT. Checked in this order: sign-in, replay, ownership, AlreadyPaid, NOT_PAYABLE (released,
cancelled, show started), token ACTIVE, hold live (HOLD_EXPIRED), balance. HOLD_EXPIRED and InsufficientBalance are recorded as FAILED payments.
salesCloseAt does not stop the payment of a live hold. A total of 0 is COMPLETED without a ledger entry. The first payment uses up the queue token and
releases the token's other holds`,
})
export class PayInput {
  @Field(() => ID, { nullable: true })
  reservationId?: string | null;

  @Field(() => ID)
  idempotencyKey!: string;
}

/**
 * Pays for a reservation from the caller's wallet, once for each key, in one transaction.
 * @returns the Payment; InsufficientBalance, AlreadyPaid, HOLD_EXPIRED, NOT_PAYABLE, IDEMPOTENCY_CONFLICT
 * @throws CallerError NOT_FOUND for an unknown or another user's reservation; QUEUE_TOKEN_REQUIRED
 */
export async function pay(context: Context, input: PayInput): Promise<PayAnswer> {
  const { platform } = context;
  const { id: userId } = callerOf(context);
  if (typeof input.reservationId !== 'string') throw badInput('reservationId is needed.');
  const reservationId = idOf('reservationId', input.reservationId);
  const key = { userId, mutation: 'pay', key: idempotencyKeyOf(input.idempotencyKey), input: { reservationId } };
  const paymentId = newId();
  const admission = await findAdmission(context);
  const outcome = await workOnWallet<Outcome>(platform, userId, {
    key,
    isOver: () => isOver(context),
    presumed: { type: 'Payment', id: paymentId },
    payable: {
      reservationId,
      tokenHash: admission.pass?.tokenHash ?? null,
      late: platform.config.LATE_PAYMENT,
    },
    apply: async (em, ledger) => {
      const paid = await payForReservation(em, ledger, context, { reservationId, paymentId, admission });
      return paid.answer instanceof Payment ? { answer: paid } : { answer: paid, keep: keptPayAnswer(paid.answer) };
    },
    replay: async (em, kept) => ({ answer: await restorePayAnswer(em, kept), seats: [], pass: null }),
  });
  if (outcome instanceof Refusal) return outcome;
  const { answer, seats, pass } = outcome;
  publishSeats(platform, seats);
  if (answer instanceof Payment && pass) await finishToken(platform, answer.id, pass);
  return answer;
}
