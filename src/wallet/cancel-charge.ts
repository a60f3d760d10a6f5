import type { EntityManager } from '@mikro-orm/core';
import { Field, ID, InputType } from 'type-graphql';
import { type Context, callerOf, isOver } from '../api/context.ts';
import { idempotencyKeyOf, idOf } from '../api/input.ts';
import { keptRefusal, notFound, type Refusal, refuse, restoreRefusal } from '../api/problems.ts';
import { newId } from '../platform/ids.ts';
import { LedgerEntry } from './ledger-entry.ts';
import type { Ledger } from './post-entry.ts';
import { workOnWallet } from './wallet-work.ts';

@InputType()
export class CancelChargeInput {
  @Field(() => ID)
  entryId!: string;

  @Field(() => ID)
  idempotencyKey!: string;
}

/**
 * Takes a charge back out of the caller's wallet, once, while the balance covers it.
 * @returns the CHARGE_CANCEL entry; NOT_CANCELLABLE for what is no charge, was cancelled before, or has been spent;
 * IDEMPOTENCY_CONFLICT
 * @throws CallerError NOT_FOUND for an unknown entry or one of another wallet
 */
export async function cancelCharge(context: Context, input: CancelChargeInput): Promise<LedgerEntry | Refusal> {
  const { id: userId } = callerOf(context);
  const chargeId = idOf('entryId', input.entryId);
  const key = idempotencyKeyOf(input.idempotencyKey);
  const entryId = newId();
  return workOnWallet<LedgerEntry | Refusal>(context.platform, userId, {
    key: { userId, mutation: 'cancelCharge', key, input: { entryId: chargeId } },
    isOver: () => isOver(context),
    presumed: { type: 'LedgerEntry', id: entryId },
    apply: async (em, ledger) => {
      const charge = await em.findOne(LedgerEntry, { id: chargeId, walletId: userId });
      if (!charge) throw notFound('entry');
      if (!(await isCancellable(em, ledger, charge))) {
        const refusal = refuse('NOT_CANCELLABLE');
        return { answer: refusal, keep: keptRefusal(refusal) };
      }
      const taken = { id: entryId, kind: 'CHARGE_CANCEL', amount: -charge.amount, cancelsId: chargeId } as const;
      return { answer: ledger.postEntry(taken) };
    },
    replay: async (em, kept) =>
      kept.id === undefined ? restoreRefusal(kept) : em.findOneOrFail(LedgerEntry, { id: kept.id }),
  });
}

async function isCancellable(em: EntityManager, ledger: Ledger, { id, kind, amount }: LedgerEntry): Promise<boolean> {
  if (kind !== 'CHARGE' || ledger.balance < amount) return false;
  // Another cancellation may have been posted a moment ago, in this very transaction.
  await ledger.write();
  return (await em.count(LedgerEntry, { cancelsId: id })) === 0;
}
