import { Field, ID, InputType } from 'type-graphql';
import { type Context, callerOf, isOver } from '../api/context.ts';
import { idempotencyKeyOf, idOf } from '../api/input.ts';
import { Refusal } from '../api/problems.ts';
import { newId } from '../platform/ids.ts';
import { workOnWallet } from '../wallet/wallet-work.ts';
import { findAdmission } from './find-admission.ts';
import { keptPayAnswer, restorePayAnswer } from './keep-pay-answer.ts';
import { type Outcome, payBill } from './pay-bill.ts';
import type { PayAnswer } from './pay-problems.ts';
import { nothingToTell } from './payable-kind.ts';
import { payableOf } from './payables.ts';
import { Payment } from './payment.ts';

@InputType({
  description: `Exactly one of reservationId and orderId, else BAD_USER_INPUT. Checked in this order: sign-in, replay, ownership, AlreadyPaid, NOT_PAYABLE (released,
cancelled, show started), token ACTIVE, hold live (HOLD_EXPIRED), balance. HOLD_EXPIRED and InsufficientBalance are recorded as FAILED payments.
salesCloseAt does not stop the payment of a live hold. A total of 0 is COMPLETED without a ledger entry. The first payment uses up the queue token and
releases the token's other holds`,
})
export class PayInput {
  @Field(() => ID, { nullable: true })
  reservationId?: string | null;

  @Field(() => ID, { nullable: true })
  orderId?: string | null;

  @Field(() => ID)
  idempotencyKey!: string;
}

/**
 * Pays for a payable from the caller's wallet, once for each key, in one transaction. With ON_PAYMENT_FAILURE=release
 * what could not be paid for want of money is given up in the same transaction.
 * @returns the Payment; InsufficientBalance, AlreadyPaid, HOLD_EXPIRED, NOT_PAYABLE, IDEMPOTENCY_CONFLICT
 * @throws CallerError BAD_USER_INPUT unless exactly one payable is named; NOT_FOUND for an unknown or another user's;
 * QUEUE_TOKEN_REQUIRED
 */
export async function pay(context: Context, input: PayInput): Promise<PayAnswer> {
  const { platform } = context;
  const { id: userId } = callerOf(context);
  const { kind, id: text } = payableOf(input);
  const id = idOf(kind.argument, text);
  const paymentId = newId();
  const admission = await findAdmission(context);
  const outcome = await workOnWallet<Outcome>(platform, userId, {
    key: { userId, mutation: 'pay', key: idempotencyKeyOf(input.idempotencyKey), input: { [kind.argument]: id } },
    isOver: () => isOver(context),
    presumed: { type: 'Payment', id: paymentId },
    locks: kind.locksToPay(context, id, admission),
    apply: async (em, ledger) => {
      const paid = await payBill(em, ledger, context, kind, { id, paymentId, admission });
      return paid.answer instanceof Payment ? { answer: paid } : { answer: paid, keep: keptPayAnswer(paid.answer) };
    },
    replay: async (em, kept) => ({ answer: await restorePayAnswer(em, kept), announce: nothingToTell }),
  });
  if (outcome instanceof Refusal) return outcome;
  await outcome.announce(platform);
  return outcome.answer;
}
