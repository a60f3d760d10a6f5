import { Field, ID, InputType } from 'type-graphql';
import { type Context, callerOf, type Pass } from '../api/context.ts';
import { idempotencyKeyOf, idOf, KEY_KEPT_FOR_GOOD } from '../api/input.ts';
import { CallerError, type RefusalCode, refuse } from '../api/problems.ts';
import { rowsOf, WALLETS } from '../commands/lock-order.ts';
import { run, type Scene, type Verb } from '../commands/runner.ts';
import { isUnavailable } from '../platform/faults.ts';
import { newId } from '../platform/ids.ts';
import { queueIdOf } from '../queue/queue-token.ts';
import { findPass } from '../queue/require-pass.ts';
import { InsufficientBalance, insufficientBalance } from '../wallet/wallet.ts';
import { type Attempt, forEachKind, type PayableKind, payableOf } from './payable.ts';
import { AlreadyPaid, alreadyPaid, type PayAnswer, Payment } from './payment.ts';

@InputType({
  description: `What is paid for: exactly one of \`reservationId\` and \`orderId\`, else \`BAD_USER_INPUT\`. Checked in this order: sign-in,
replay, ownership, AlreadyPaid, \`WITHDRAWN\`, \`SHOW_CANCELLED\`, \`NOT_PAYABLE\` (released, cancelled, show begun), token
ACTIVE, hold live (\`HOLD_EXPIRED\`), balance. \`HOLD_EXPIRED\` and InsufficientBalance are kept as FAILED payments.
\`salesCloseAt\` does not stop the payment of a live hold. A total of 0 is COMPLETED without a ledger entry. The first
payment uses the queue token up and releases its other holds`,
})
export class PayInput {
  @Field(() => ID, { nullable: true, description: "Id of the caller's reservation" })
  reservationId?: string | null;

  @Field(() => ID, { nullable: true, description: "Id of the caller's order" })
  orderId?: string | null;

  @Field(() => ID, { description: KEY_KEPT_FOR_GOOD })
  idempotencyKey!: string;
}

interface Pay extends Attempt {
  readonly kind: PayableKind;
}

const PAY: Verb<Pay, PayAnswer, unknown, unknown> = {
  name: 'pay',
  contends: ({ userId, kind, id, pass }) => [
    `wallet:${userId}`,
    `${kind.noun}:${id}`,
    ...(pass ? [`token:${pass.tokenHash}`] : []),
  ],
  prepare: async (platform, asked) =>
    forEachKind(
      asked,
      ({ kind }) => kind,
      (kind, attempts) => kind.prepareToPay(platform, attempts),
    ),

  locks({ kind, userId, ...attempt }, known) {
    const { rows = [], ...names } = kind.locksToPay({ userId, ...attempt }, known);
    return { ...names, rows: [...rows, rowsOf(WALLETS, [userId])] };
  },

  facts: async (em, items, scene) =>
    forEachKind(
      items,
      ({ asked: { kind } }) => kind,
      (kind, ofKind) => kind.factsToPay(em, ofKind, scene),
    ),

  decide({ asked, known, facts }, scene) {
    const { kind, userId, paymentId, pass } = asked;
    const bill = kind.bill({ asked, known, facts }, scene);
    if (!('amount' in bill)) return bill;
    const { amount, failure } = bill;
    if (failure) {
      scene.insert(failedPayment(asked, amount, failure, scene));
      return refuse(failure);
    }
    const wallet = scene.get(WALLETS, userId);
    if (wallet.closedAt !== null) throw new CallerError('UNAUTHENTICATED');
    if (wallet.balance < amount) {
      scene.insert(failedPayment(asked, amount, 'INSUFFICIENT_BALANCE', scene));
      if (scene.platform.config.ON_PAYMENT_FAILURE === 'release') bill.release();
      return insufficientBalance(wallet.balance, amount);
    }
    const payment = paymentFor(asked, scene, { id: paymentId, amount, status: 'COMPLETED', ...bill.settle() });
    scene.insert(payment);
    if (amount > 0) scene.insert(wallet.post({ kind: 'PAYMENT', amount: -amount, at: scene.now, paymentId }));
    bill.settled(payment, pass);
    return payment;
  },

  presumed: ({ paymentId }) => ({ type: 'Payment', id: paymentId }),
  keep: (answer) => (answer instanceof AlreadyPaid ? { type: 'AlreadyPaid', id: answer.payment.id } : undefined),
  refusals: { InsufficientBalance },

  async replay(em, { type, id }) {
    const payment = await em.findOneOrFail(Payment, { id }, { disableIdentityMap: true });
    return type === 'AlreadyPaid' ? alreadyPaid(payment) : payment;
  },
};

/**
 * Pays for a payable from the caller's wallet, once for each idempotency key, in one transaction. With
 * ON_PAYMENT_FAILURE=release, a payable that the balance does not cover is given up in the same transaction.
 * @returns the Payment, COMPLETED; InsufficientBalance; AlreadyPaid; a Refusal HOLD_EXPIRED, NOT_PAYABLE,
 * SHOW_CANCELLED or IDEMPOTENCY_CONFLICT
 * @throws CallerError BAD_USER_INPUT unless exactly one payable is named; NOT_FOUND for a payable that is unknown or
 * another user's; QUEUE_TOKEN_REQUIRED without an ACTIVE token of the queue in front, as header \`x-queue-token\`; SERVICE_UNAVAILABLE when a token
 * is needed and Redis is unreachable
 */
export async function pay(context: Context, input: PayInput): Promise<PayAnswer> {
  const { id: userId } = callerOf(context);
  const { kind, id: text } = payableOf(input);
  const id = idOf(`input.${kind.argument}`, text);
  const key = { userId, key: idempotencyKeyOf(input.idempotencyKey), input: { [kind.argument]: id } };
  return run(context, PAY, { kind, id, userId, paymentId: newId(), ...(await findAdmission(context)) }, key);
}

/**
 * Reads the pass of the payer's queue token, before the transaction. Never throws: an error is returned, and thrown
 * later only for a payment that needs the token, so that the others succeed while Redis is unreachable.
 * @returns the pass, null without an ACTIVE token, and the error
 */
async function findAdmission(context: Context): Promise<{ pass: Pass | null; fault?: unknown }> {
  const queueId = queueIdOf(context.queueToken ?? '');
  if (queueId === undefined) return { pass: null };
  try {
    return { pass: (await findPass(context, queueId)) ?? null };
  } catch (fault) {
    return { pass: null, fault: isUnavailable(fault) ? new CallerError('SERVICE_UNAVAILABLE') : fault };
  }
}

function failedPayment(asked: Pay, amount: number, failure: RefusalCode, scene: Scene): Payment {
  return paymentFor(asked, scene, { id: newId(), amount, status: 'FAILED', failure });
}

function paymentFor({ kind, id, userId }: Pay, { now }: Scene, fields: Partial<Payment>): Payment {
  return Object.assign(
    new Payment(),
    { userId, reservationId: null, orderId: null, queueId: null, tokenHash: null, failure: null, refunded: 0 },
    { [kind.argument]: id, createdAt: now, cancelledAt: null },
    fields,
  );
}
