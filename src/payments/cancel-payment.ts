import { createUnionType, Field, ID, InputType } from 'type-graphql';
import { isOperator } from '../accounts/is-operator.ts';
import { type Context, callerOf } from '../api/context.ts';
import { idempotencyKeyOf, idOf } from '../api/input.ts';
import { notFound, Refusal, refuse } from '../api/problems.ts';
import { PAYMENTS, rowsOf, WALLETS } from '../commands/lock-order.ts';
import { run, type Verb } from '../commands/runner.ts';
import { forEachKind, payableOf } from './payable.ts';
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

interface CancelPayment {
  /** As it was read without a lock: its user and its payable never change. */
  readonly payment: Payment;
  /** Whether the caller may cancel at any time: an operator. */
  readonly mayAlways: boolean;
}

/** The instant until which the owner may cancel. */
type Deadline = Date | undefined;

const CANCEL_PAYMENT: Verb<CancelPayment, Payment | Refusal, unknown, Deadline> = {
  name: 'cancelPayment',
  contends: ({ payment: { id, userId } }) => [`wallet:${userId}`, `payment:${id}`],

  prepare: async (platform, asked) =>
    forEachKind(
      asked,
      ({ payment }) => payableOf(payment).kind,
      async (kind, ofKind) => {
        const ids = ofKind.map(({ payment }) => payableOf(payment).id);
        const known = await kind.prepareToCancel(platform, ids);
        return ids.map((id) => ({ known: known.get(id) }));
      },
    ),

  locks({ payment }, known) {
    const { kind, id } = payableOf(payment);
    const { rows = [] } = kind.locksToCancel(id, known);
    return { rows: [...rows, rowsOf(PAYMENTS, [payment.id]), rowsOf(WALLETS, [payment.userId])] };
  },

  facts: async (em, items, scene) =>
    forEachKind(
      items,
      ({ asked: { payment } }) => payableOf(payment).kind,
      async (kind, ofKind) => {
        const payments = ofKind.map(({ asked: { payment } }) => payment);
        const deadlines = await kind.cancelledUntil(em, payments, scene);
        return payments.map((payment) => deadlines.get(payableOf(payment).id));
      },
    ),

  decide({ asked: { payment: found, mayAlways }, known, facts: deadline }, scene) {
    const payment = scene.get(PAYMENTS, found.id);
    const isInTime = mayAlways || (deadline !== undefined && scene.now < deadline);
    if (payment.status !== 'COMPLETED' || !isInTime) return refuse('NOT_CANCELLABLE');
    const { kind, id } = payableOf(payment);
    kind.takeBack(id, known, scene);
    payment.cancel(scene.now);
    const { amount, userId } = payment;
    if (amount > 0) {
      scene.insert(scene.get(WALLETS, userId).post({ kind: 'REFUND', amount, at: scene.now, paymentId: payment.id }));
    }
    return payment;
  },

  presumed: ({ payment: { id } }) => ({ type: 'Payment', id }),
  replay: (em, { id }) => em.findOneOrFail(Payment, { id }, { disableIdentityMap: true }),
};

/**
 * Answers NOT_FOUND for a payment that is unknown or another user's. It is a command, because a key that came with
 * other input before is refused first.
 */
const CANCEL_UNKNOWN: Verb<{ readonly paymentId: string }, Payment | Refusal> = {
  name: CANCEL_PAYMENT.name,
  contends: () => [],
  locks: () => ({}),
  decide() {
    throw notFound('payment');
  },
  presumed: ({ paymentId }) => ({ type: 'Payment', id: paymentId }),
  replay: (em, { id }) => em.findOneOrFail(Payment, { id }, { disableIdentityMap: true }),
};

/**
 * Gives the money of a payment back and takes back what was paid for, once, in one transaction. The owner may cancel
 * until the instant that the kind of payable sets, an operator at any time. BALANCE_LIMIT does not stop a refund.
 * @returns the Payment, CANCELLED; a Refusal NOT_CANCELLABLE for a payment that is not COMPLETED, or whose time to
 * cancel is over; a Refusal IDEMPOTENCY_CONFLICT
 * @throws CallerError NOT_FOUND for an unknown payment, and for another user's unless the caller is an operator
 */
export async function cancelPayment(context: Context, input: CancelPaymentInput): Promise<Payment | Refusal> {
  const { id: userId } = callerOf(context);
  const paymentId = idOf('input.paymentId', input.paymentId);
  const key = { userId, key: idempotencyKeyOf(input.idempotencyKey), input: { paymentId } };
  const payment = await context.em.findOne(Payment, { id: paymentId }, { disableIdentityMap: true });
  const mayAlways = await isOperator(context);
  if (!payment || !(payment.userId === userId || mayAlways)) return run(context, CANCEL_UNKNOWN, { paymentId }, key);
  return run(context, CANCEL_PAYMENT, { payment, mayAlways }, key);
}
