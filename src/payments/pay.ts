import { Field, ID, InputType } from 'type-graphql';
import { publishSeats } from '../concerts/seat-change.ts';
import { type Context, callerOf } from '../context.ts';
import { idempotencyKeyOf, idOf } from '../input.ts';
import { claimKey, keepAnswer } from '../platform/idempotency.ts';
import { newId } from '../platform/ids.ts';
import { badInput, refuse } from '../problems.ts';
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
  const admission = await findAdmission(context, reservationId);
  const { answer, seats } = await workOnWallet(platform, userId, async (em, lost): Promise<Outcome> => {
    const paymentId = newId();
    const presumed = { type: 'Payment', id: paymentId };
    const earlier = await claimKey(em, key, presumed);
    if (earlier === 'CONFLICT') return { answer: refuse('IDEMPOTENCY_CONFLICT'), seats: [] };
    if (earlier) return { answer: await restorePayAnswer(em, earlier.kept), seats: [] };
    const outcome = await payForReservation(em, context, { reservationId, paymentId, admission, lost });
    if (!(outcome.answer instanceof Payment)) await keepAnswer(em, key, keptPayAnswer(outcome.answer));
    return outcome;
  });
  publishSeats(platform, seats);
  const paidNow = answer instanceof Payment && seats.length > 0;
  if (paidNow && admission.pass) await finishToken(platform, answer.id, admission.pass);
  return answer;
}
