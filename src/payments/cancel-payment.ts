import { type EntityManager, raw } from '@mikro-orm/core';
import { createUnionType, Field, ID, InputType } from 'type-graphql';
import { isOperator } from '../accounts/is-operator.ts';
import { type Context, callerOf, isOver } from '../api/context.ts';
import { idempotencyKeyOf, idOf } from '../api/input.ts';
import { keptRefusal, notFound, Refusal, refuse, restoreRefusal } from '../api/problems.ts';
import type { Locks } from '../legacy/lock-order.ts';
import type { Ledger } from '../wallet/post-entry.ts';
import { workOnWallet } from '../wallet/wallet-work.ts';
import { type Announce, nothingToTell } from './payable-kind.ts';
import { payableOf } from './payables.ts';
import { Payment } from './payment.ts';

@InputType()
export class CancelPaymentInput {
  @Field(() => ID)
  paymentId!: string;

  @Field(() => ID)
  idempotencyKey!: string;
}

export const CancelPaymentResult = createUnionType({
  name: 'CancelPaymentResult',
  types: () => [Payment, Refusal] as const,
});

interface Outcome {
  readonly answer: Payment | Refusal;
  readonly announce: Announce;
}

/**
 * Gives the money of a payment back and takes back what was paid for, once, in one transaction. Its owner may for as
 * long as the payable's kind says, an operator always. BALANCE_LIMIT does not stop a refund.
 * @returns the Payment, CANCELLED; NOT_CANCELLABLE for one that is not COMPLETED or too old; IDEMPOTENCY_CONFLICT
 * @throws CallerError NOT_FOUND for an unknown or another user's payment
 */
export async function cancelPayment(context: Context, input: CancelPaymentInput): Promise<Payment | Refusal> {
  const { platform } = context;
  const { id: callerId } = callerOf(context);
  const paymentId = idOf('paymentId', input.paymentId);
  const key = idempotencyKeyOf(input.idempotencyKey);
  // Whose it is and what it is for never changes, so that this needs no lock.
  const found = await context.em.findOne(Payment, { id: paymentId }, { disableIdentityMap: true });
  const mayAlways = await isOperator(context);
  const payment = found && (found.userId === callerId || mayAlways) ? found : null;
  const outcome = await workOnWallet<Outcome>(platform, payment?.userId ?? callerId, {
    key: { userId: callerId, mutation: 'cancelPayment', key, input: { paymentId } },
    isOver: () => isOver(context),
    presumed: { type: 'Payment', id: paymentId },
    ...(payment && { locks: locksOf(payment) }),
    apply: async (em, ledger) => {
      if (!payment) throw notFound('payment');
      const { kind, id } = payableOf(payment);
      const { status } = await readPayment(em, paymentId);
      if (status !== 'COMPLETED' || !(mayAlways || (await kind.mayCancel(em, platform.config, id)))) {
        const refusal = refuse('NOT_CANCELLABLE');
        return { answer: { answer: refusal, announce: nothingToTell }, keep: keptRefusal(refusal) };
      }
      return { answer: await refund(em, ledger, payment) };
    },
    replay: async (em, kept) => ({
      answer: kept.id === undefined ? restoreRefusal(kept) : await readPayment(em, kept.id),
      announce: nothingToTell,
    }),
  });
  if (outcome instanceof Refusal) return outcome;
  await outcome.announce(platform);
  return outcome.answer;
}

function locksOf(payment: Payment): Locks {
  const { kind, id } = payableOf(payment);
  return { ...kind.locksToCancel(id), payments: [payment.id] };
}

/** The payment as it is now; it may have been read before it was locked. */
function readPayment(em: EntityManager, id: string): Promise<Payment> {
  return em.findOneOrFail(Payment, { id }, { refresh: true });
}

async function refund(em: EntityManager, ledger: Ledger, payment: Payment): Promise<Outcome> {
  const { id: paymentId, amount } = payment;
  const { kind, id } = payableOf(payment);
  const announce = await kind.takeBack(em, id);
  await em.nativeUpdate(Payment, { id: paymentId }, { status: 'CANCELLED', cancelledAt: raw('clock_timestamp()') });
  if (amount > 0) ledger.postEntry({ kind: 'REFUND', amount, paymentId });
  return { answer: await readPayment(em, paymentId), announce };
}
