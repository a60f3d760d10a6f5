import type { EntityManager } from '@mikro-orm/core';
import { Field, ID, InputType } from 'type-graphql';
import { publishSeats } from '../concerts/seat-change.ts';
import { type Context, callerOf } from '../context.ts';
import { idempotencyKeyOf, idOf } from '../input.ts';
import { claimKey, type IdempotencyKey, keepAnswer } from '../platform/idempotency.ts';
import { badInput, refuse } from '../problems.ts';
import { workOnWallet } from '../wallet/wallet-work.ts';
import { type Admission, findAdmission } from './find-admission.ts';
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
  const { answer, seats } = await workOnWallet(platform, userId, (em, lost) =>
    payOnce(em, context, key, reservationId, admission, lost),
  );
  publishSeats(platform, seats);
  if (answer instanceof Payment && seats.length > 0 && admission.pass)
    await finishToken(platform, answer.id, admission.pass);
  return answer;
}

async function payOnce(
  em: EntityManager,
  context: Context,
  key: IdempotencyKey,
  reservationId: string,
  admission: Admission,
  lost: number,
): Promise<Outcome> {
  const earlier = await claimKey(em, key);
  if (earlier === 'CONFLICT') return { answer: refuse('IDEMPOTENCY_CONFLICT'), seats: [] };
  if (earlier) return { answer: await restorePayAnswer(em, earlier.kept), seats: [] };
  const outcome = await payForReservation(em, context, reservationId, admission, lost);
  await keepAnswer(em, key, keptPayAnswer(outcome.answer));
  return outcome;
}
