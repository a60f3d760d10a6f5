import { createUnionType, Field, ID, InputType } from 'type-graphql';
import { type Context, callerOf, isOver } from '../api/context.ts';
import { idempotencyKeyOf, within } from '../api/input.ts';
import { keptRefusal, Refusal, refuse, restoreRefusal } from '../api/problems.ts';
import { Money } from '../api/scalars.ts';
import type { IdempotencyKey } from '../commands/idempotency.ts';
import { newId } from '../platform/ids.ts';
import { LedgerEntry } from './ledger-entry.ts';
import { workOnWallet } from './wallet-work.ts';

@InputType({ description: 'amount: 1 .. 10,000,000' })
export class ChargeInput {
  @Field(() => Money)
  amount!: number;

  @Field(() => ID)
  idempotencyKey!: string;
}

export const ChargeResult = createUnionType({ name: 'ChargeResult', types: () => [LedgerEntry, Refusal] as const });

const MOST_AT_ONCE = 10_000_000;

/**
 * Adds money to the caller's wallet, once for each key.
 * @returns the entry; BALANCE_LIMIT, IDEMPOTENCY_CONFLICT
 * @throws CallerError BAD_USER_INPUT for an amount outside 1..10,000,000
 */
export async function charge(context: Context, input: ChargeInput): Promise<LedgerEntry | Refusal> {
  const { platform } = context;
  const { id: userId } = callerOf(context);
  const amount = within('amount', input.amount, 1, MOST_AT_ONCE);
  const key: IdempotencyKey = {
    userId,
    mutation: 'charge',
    key: idempotencyKeyOf(input.idempotencyKey),
    input: { amount },
  };
  const entryId = newId();
  return workOnWallet<LedgerEntry | Refusal>(platform, userId, {
    key,
    isOver: () => isOver(context),
    presumed: { type: 'LedgerEntry', id: entryId },
    apply: async (_em, ledger) => {
      if (ledger.balance + amount > platform.config.BALANCE_LIMIT) {
        const refusal = refuse('BALANCE_LIMIT');
        return { answer: refusal, keep: keptRefusal(refusal) };
      }
      return { answer: ledger.postEntry({ id: entryId, kind: 'CHARGE', amount }) };
    },
    replay: async (em, kept) =>
      kept.id === undefined ? restoreRefusal(kept) : em.findOneOrFail(LedgerEntry, { id: kept.id }),
  });
}
