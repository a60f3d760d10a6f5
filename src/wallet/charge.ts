import { createUnionType, Field, ID, InputType } from 'type-graphql';
import { type Context, callerOf } from '../api/context.ts';
import { idempotencyKeyOf, within } from '../api/input.ts';
import { Refusal, refuse } from '../api/problems.ts';
import { Money } from '../api/scalars.ts';
import { rowsOf, WALLETS } from '../commands/lock-order.ts';
import { run, type Verb } from '../commands/runner.ts';
import { newId } from '../platform/ids.ts';
import { LedgerEntry } from './wallet.ts';

@InputType({ description: 'amount: 1 .. 10,000,000' })
export class ChargeInput {
  @Field(() => Money)
  amount!: number;

  @Field(() => ID)
  idempotencyKey!: string;
}

export const ChargeResult = createUnionType({ name: 'ChargeResult', types: () => [LedgerEntry, Refusal] as const });

const MAX_CHARGE = 10_000_000;

interface Charge {
  readonly entryId: string;
  readonly userId: string;
  readonly amount: number;
}

const CHARGE: Verb<Charge, LedgerEntry | Refusal> = {
  name: 'charge',
  contends: ({ userId }) => [`wallet:${userId}`],
  locks: ({ userId }) => ({ rows: [rowsOf(WALLETS, [userId])] }),

  decide({ asked: { entryId, userId, amount } }, scene) {
    const wallet = scene.get(WALLETS, userId);
    if (wallet.balance + amount > scene.platform.config.BALANCE_LIMIT) return refuse('BALANCE_LIMIT');
    const entry = wallet.post({ id: entryId, kind: 'CHARGE', amount, at: scene.now });
    scene.insert(entry);
    return entry;
  },

  presumed: ({ entryId }) => ({ type: 'LedgerEntry', id: entryId }),
  replay: (em, { id }) => em.findOneOrFail(LedgerEntry, { id }),
};

/**
 * Adds money to the caller's wallet, once for each idempotency key.
 * @param input amount in minor units
 * @returns the CHARGE entry; a Refusal BALANCE_LIMIT when the balance would exceed BALANCE_LIMIT; a Refusal
 * IDEMPOTENCY_CONFLICT
 * @throws CallerError BAD_USER_INPUT for an amount outside 1..10,000,000
 */
export async function charge(context: Context, input: ChargeInput): Promise<LedgerEntry | Refusal> {
  const { id: userId } = callerOf(context);
  const amount = within('input.amount', input.amount, 1, MAX_CHARGE);
  const key = { userId, key: idempotencyKeyOf(input.idempotencyKey), input: { amount } };
  return run(context, CHARGE, { entryId: newId(), userId, amount }, key);
}
