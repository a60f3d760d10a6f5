import { createUnionType, Field, ID, InputType } from 'type-graphql';
import { type Context, callerOf } from '../api/context.ts';
import { idempotencyKeyOf, idOf, KEY_KEPT_FOR_GOOD, within } from '../api/input.ts';
import { Refusal } from '../api/problems.ts';
import { Money } from '../api/scalars.ts';
import { run } from '../commands/runner.ts';
import { newId } from '../platform/ids.ts';
import { LedgerEntry } from '../wallet/wallet.ts';
import { type ChargeAnswer, chargeVerb, MAX_CHARGE } from './charge.ts';

@InputType({ description: 'How much which wallet is charged' })
export class ChargeWalletInput {
  @Field(() => ID, { description: 'Id of the user whose wallet it is' })
  userId!: string;

  @Field(() => Money, { description: '1 .. 10,000,000' })
  amount!: number;

  @Field(() => ID, { description: KEY_KEPT_FOR_GOOD })
  idempotencyKey!: string;
}

export const ChargeWalletResult = createUnionType({
  name: 'ChargeWalletResult',
  description: 'The CHARGE entry, or a Refusal: `BALANCE_LIMIT` or `IDEMPOTENCY_CONFLICT`',
  types: () => [LedgerEntry, Refusal] as const,
});

const CHARGE_WALLET = chargeVerb('chargeWallet');

/**
 * Charges a user's wallet for money that an operator has taken, whatever CHARGES is, once for each idempotency key.
 * @param input amount in minor units
 * @returns the CHARGE entry; a Refusal BALANCE_LIMIT or IDEMPOTENCY_CONFLICT
 * @throws CallerError NOT_FOUND for an unknown user; BAD_USER_INPUT for an amount outside 1..10,000,000
 */
export async function chargeWallet(context: Context, input: ChargeWalletInput): Promise<ChargeAnswer> {
  const userId = idOf('input.userId', input.userId);
  const amount = within('input.amount', input.amount, 1, MAX_CHARGE);
  const key = {
    userId: callerOf(context).id,
    key: idempotencyKeyOf(input.idempotencyKey),
    input: { userId, amount },
  };
  return run(context, CHARGE_WALLET, { id: newId(), userId, amount }, key);
}
