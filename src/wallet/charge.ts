import { createUnionType, Field, ID, InputType } from 'type-graphql';
import { type Context, callerOf } from '../context.ts';
import { idempotencyKeyOf, within } from '../input.ts';
import { claimKey, type IdempotencyKey, keepAnswer } from '../platform/idempotency.ts';
import { newId } from '../platform/ids.ts';
import { Refusal, refuse } from '../problems.ts';
import { Money } from '../scalars.ts';
import { LedgerEntry } from './ledger-entry.ts';
import { postEntry, takeWallet } from './post-entry.ts';
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
  return workOnWallet(platform, userId, async (em, lost) => {
    const entryId = newId();
    const earlier = await claimKey(em, key, { type: 'LedgerEntry', id: entryId });
    if (earlier === 'CONFLICT') return refuse('IDEMPOTENCY_CONFLICT');
    if (earlier) {
      const { id } = earlier.kept;
      return id === undefined ? refuse('BALANCE_LIMIT') : em.findOneOrFail(LedgerEntry, { id });
    }
    const wallet = await takeWallet(em, userId, lost);
    if (wallet.balance + amount > platform.config.BALANCE_LIMIT) {
      await keepAnswer(em, key, { type: 'Refusal' });
      return refuse('BALANCE_LIMIT');
    }
    return postEntry(em, wallet, { id: entryId, kind: 'CHARGE', amount });
  });
}
