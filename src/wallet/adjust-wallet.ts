import { createUnionType, Field, ID, InputType } from 'type-graphql';
import { type Context, callerOf } from '../api/context.ts';
import { idempotencyKeyOf, idOf, KEY_KEPT_FOR_GOOD, textOf, within } from '../api/input.ts';
import { badInput, notFound, Refusal } from '../api/problems.ts';
import { Money } from '../api/scalars.ts';
import { rowsOf, WALLETS } from '../commands/lock-order.ts';
import { run, type Verb } from '../commands/runner.ts';
import { newId } from '../platform/ids.ts';
import { balanceLimit, InsufficientBalance, insufficientBalance, LedgerEntry } from './wallet.ts';

@InputType({ description: 'An adjustment of a wallet' })
export class AdjustWalletInput {
  @Field(() => ID, { description: 'Id of the user whose wallet it is' })
  userId!: string;

  @Field(() => Money, {
    description: 'What is added; below 0 to take away. At most 1,000,000,000,000 in magnitude, not 0',
  })
  amount!: number;

  @Field(() => String, { description: 'Why, 1 .. 500 characters. The owner of the wallet can read it' })
  reason!: string;

  @Field(() => ID, { description: KEY_KEPT_FOR_GOOD })
  idempotencyKey!: string;
}

export const AdjustWalletResult = createUnionType({
  name: 'AdjustWalletResult',
  description: 'The ADJUSTMENT entry, InsufficientBalance, or a Refusal: `BALANCE_LIMIT` or `IDEMPOTENCY_CONFLICT`',
  types: () => [LedgerEntry, InsufficientBalance, Refusal] as const,
});

export type AdjustAnswer = LedgerEntry | InsufficientBalance | Refusal;

/** In minor units: as much as BALANCE_LIMIT can be. */
const MAX_ADJUSTMENT = 1_000_000_000_000;
/** Characters of a reason. */
const MAX_REASON = 500;

interface Adjust {
  readonly entryId: string;
  readonly userId: string;
  /** Signed, in minor units. */
  readonly amount: number;
  readonly reason: string;
}

const ADJUST_WALLET: Verb<Adjust, AdjustAnswer> = {
  name: 'adjustWallet',
  contends: ({ userId }) => [`wallet:${userId}`],
  locks: ({ userId }) => ({ rows: [rowsOf(WALLETS, [userId])] }),

  decide({ asked: { entryId, userId, amount, reason } }, scene) {
    const wallet = scene.find(WALLETS, userId);
    if (!wallet) throw notFound('user');
    if (wallet.balance + amount < 0) return insufficientBalance(wallet.balance, -amount);
    const { config } = scene.platform;
    if (amount > 0 && wallet.balance + amount > config.BALANCE_LIMIT) return balanceLimit(config);
    const entry = wallet.post({ id: entryId, kind: 'ADJUSTMENT', amount, at: scene.now, reason });
    scene.insert(entry);
    return entry;
  },

  presumed: ({ entryId }) => ({ type: 'LedgerEntry', id: entryId }),
  replay: (em, { id }) => em.findOneOrFail(LedgerEntry, { id }),
  refusals: { InsufficientBalance },
};

/**
 * Adds money to a user's wallet or takes some away, by an entry of kind ADJUSTMENT with its reason, once for each
 * idempotency key.
 * @param input amount in minor units, below 0 to take away
 * @returns the entry; InsufficientBalance when the wallet has less than is taken; a Refusal BALANCE_LIMIT when the balance
 * would exceed BALANCE_LIMIT; a Refusal IDEMPOTENCY_CONFLICT
 * @throws CallerError NOT_FOUND for an unknown user; BAD_USER_INPUT for 0, an amount beyond 1,000,000,000,000 in magnitude,
 * and a reason outside 1..500 characters
 */
export async function adjustWallet(context: Context, input: AdjustWalletInput): Promise<AdjustAnswer> {
  const userId = idOf('input.userId', input.userId);
  const amount = within('input.amount', input.amount, -MAX_ADJUSTMENT, MAX_ADJUSTMENT);
  if (amount === 0) throw badInput('input.amount', 'must not be 0');
  const reason = textOf('input.reason', input.reason, 1, MAX_REASON);
  const key = {
    userId: callerOf(context).id,
    key: idempotencyKeyOf(input.idempotencyKey),
    input: { userId, amount, reason },
  };
  return run(context, ADJUST_WALLET, { entryId: newId(), userId, amount, reason }, key);
}
