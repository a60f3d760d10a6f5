import { PENDING_CHARGES, providerPaymentLimit, rowsOf, WALLETS } from '../commands/lock-order.ts';
import { type Caller, run, type Verb } from '../commands/runner.ts';
import type { Wallet } from '../wallet/wallet.ts';
import { PendingCharge } from './pending-charge.ts';

/** What the payment provider says of a charge. */
export type Notice =
  | {
      readonly outcome: 'completed';
      /** The payment at the provider. */
      readonly paymentId: string;
      /** What was paid, in minor units. */
      readonly amount: number;
      /** ISO 4217 code. */
      readonly currency: string;
    }
  | { readonly outcome: 'failed' };

/**
 * What a notice did: the status that the charge has now, or why its money was not applied. WRONG_AMOUNT: another amount or
 * currency than was asked for; PAID_TWICE: another payment has completed the charge; PAYMENT_USED: the payment has
 * completed another charge. ACCOUNT_DELETED: the charge is COMPLETED, but its user has deleted the account.
 */
export type Settled =
  | 'COMPLETED'
  | 'FAILED'
  | 'EXPIRED'
  | 'WRONG_AMOUNT'
  | 'PAID_TWICE'
  | 'PAYMENT_USED'
  | 'ACCOUNT_DELETED';

interface Settle {
  readonly chargeId: string;
  readonly userId: string;
  readonly notice: Notice;
}

interface Facts {
  /** Charges by the payments that completed them. One object for all commands of the batch. */
  readonly completedBy: Map<string, string>;
}

const SETTLE: Verb<Settle, Settled, undefined, Facts> = {
  name: 'settleCharge',
  contends: ({ userId, chargeId, notice }) => [
    `wallet:${userId}`,
    `charge:${chargeId}`,
    ...(notice.outcome === 'completed' ? [providerPaymentLimit(notice.paymentId)] : []),
  ],
  locks: ({ userId, chargeId, notice }) => ({
    ...(notice.outcome === 'completed' && { limits: [providerPaymentLimit(notice.paymentId)] }),
    rows: [rowsOf(PENDING_CHARGES, [chargeId]), rowsOf(WALLETS, [userId])],
  }),

  async facts(em, items) {
    const paymentIds = items.flatMap(({ asked: { notice } }) =>
      notice.outcome === 'completed' ? notice.paymentId : [],
    );
    const charges = await em.find(
      PendingCharge,
      { providerPaymentId: { $in: paymentIds } },
      { disableIdentityMap: true },
    );
    const completedBy = new Map(charges.map(({ providerPaymentId, id }) => [providerPaymentId as string, id]));
    return items.map(() => ({ completedBy }));
  },

  decide({ asked: { userId, chargeId, notice }, facts: { completedBy } }, scene) {
    const charge = scene.get(PENDING_CHARGES, chargeId);
    if (notice.outcome === 'failed') {
      charge.fail(scene.now);
      return charge.statusAt(scene.now) as Settled;
    }
    const { paymentId, amount, currency } = notice;
    if (amount !== charge.amount || currency !== scene.platform.config.CURRENCY) return 'WRONG_AMOUNT';
    const completed = completedBy.get(paymentId);
    const wallet = scene.get(WALLETS, userId);
    if (completed === chargeId) return doneIn(wallet);
    if (completed !== undefined) return 'PAYMENT_USED';
    if (charge.storedStatus === 'COMPLETED') return 'PAID_TWICE';
    const entry = wallet.post({ kind: 'CHARGE', amount, at: scene.now });
    charge.complete(paymentId, entry.id);
    completedBy.set(paymentId, chargeId);
    scene.insert(entry);
    return doneIn(wallet);
  },
};

/** What is told of a charge that is COMPLETED: a closed wallet had no money, so that what is there came later. */
function doneIn({ closedAt, balance }: Wallet): Settled {
  return closedAt !== null && balance > 0 ? 'ACCOUNT_DELETED' : 'COMPLETED';
}

/**
 * Does what a notice of the payment provider says, once for each of its payments, in whatever order notices come, and
 * however often: money that came completes a charge that has failed or expired too, beyond BALANCE_LIMIT too; a failure
 * leaves alone what is COMPLETED or EXPIRED.
 * @param charge as it was read without a lock: whose it is never changes
 * @throws CallerError SERVICE_UNAVAILABLE, with nothing done, when the caller has stopped waiting
 */
export function settleCharge(caller: Caller, { id, userId }: PendingCharge, notice: Notice): Promise<Settled> {
  return run(caller, SETTLE, { chargeId: id, userId, notice });
}
