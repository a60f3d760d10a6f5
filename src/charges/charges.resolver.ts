import { Arg, Ctx, Directive, Extensions, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { isOperator } from '../accounts/is-operator.ts';
import { type Context, callerOf, load } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { entriesById, LedgerEntry, Wallet } from '../wallet/wallet.ts';
import { CancelChargeInput, cancelCharge } from './cancel-charge.ts';
import { ChargeInput, ChargeResult, charge, MAX_PENDING } from './charge.ts';
import { ChargeWalletInput, ChargeWalletResult, chargeWallet } from './charge-wallet.ts';
import { PendingCharge } from './pending-charge.ts';

@Resolver()
export class ChargesResolver {
  @Query(() => PendingCharge, {
    name: 'charge',
    nullable: true,
    description: 'A PendingCharge of the caller, for operators of anybody; null for any other id',
  })
  async readCharge(
    @Arg('id', () => ID, { description: 'Id of the charge' }) id: string,
    @Ctx() context: Context,
  ): Promise<PendingCharge | null> {
    const charge = await context.em.findOne(PendingCharge, { id: idOf('id', id) }, { disableIdentityMap: true });
    const mayRead = charge?.userId === callerOf(context).id || (await isOperator(context));
    return mayRead ? charge : null;
  }

  @Extensions({ rates: ['charges'] })
  @Mutation(() => ChargeResult, {
    description: `Adds money to the caller's wallet. Answers, where \`Settings.charges\` is OPEN, the CHARGE entry: the money is there;
where it is PROVIDER, a PendingCharge, whose reference is paid at the payment provider. Refused: \`BALANCE_LIMIT\`,
\`IDEMPOTENCY_CONFLICT\`. Errors: \`FORBIDDEN\` where it is OPERATOR; \`BAD_USER_INPUT\` for an amount out of its bounds;
\`RATE_LIMITED\` while 50 charges of the caller are PENDING. The key replays, refusals too, and is kept for good`,
  })
  charge(@Arg('input', () => ChargeInput, { description: 'The amount' }) input: ChargeInput, @Ctx() context: Context) {
    return charge(context, input);
  }

  @Directive('@operator')
  @Mutation(() => ChargeWalletResult, {
    description: `Adds money that an operator has taken to a user's wallet, whatever \`Settings.charges\` is. Answers the CHARGE entry.
Refused: \`BALANCE_LIMIT\`, \`IDEMPOTENCY_CONFLICT\`. Errors: \`NOT_FOUND\` for an unknown user; \`BAD_USER_INPUT\` for an
amount out of its bounds. The key replays, refusals too, and is kept for good`,
  })
  chargeWallet(
    @Arg('input', () => ChargeWalletInput, { description: 'The wallet and the amount' }) input: ChargeWalletInput,
    @Ctx() context: Context,
  ) {
    return chargeWallet(context, input);
  }

  @Mutation(() => ChargeResult, {
    description: `Takes a charge back out of its wallet, once, while the balance covers it: operators of any wallet, others, where
\`Settings.charges\` is OPEN, of their own. Answers the CHARGE_CANCEL entry. Refused: \`NOT_CANCELLABLE\` for an entry
that is no CHARGE, was taken back before or is more than the balance; \`IDEMPOTENCY_CONFLICT\`. Errors: \`FORBIDDEN\`
where \`Settings.charges\` is not OPEN, but to operators; \`NOT_FOUND\` for an entry that is unknown or of another wallet.
The key replays, refusals too, and is kept for good`,
  })
  cancelCharge(
    @Arg('input', () => CancelChargeInput, { description: 'The charge' }) input: CancelChargeInput,
    @Ctx() context: Context,
  ) {
    return cancelCharge(context, input);
  }
}

@Resolver(() => PendingCharge)
export class PendingChargeResolver {
  @FieldResolver(() => LedgerEntry, {
    nullable: true,
    description: 'The CHARGE that completed it; null unless it is COMPLETED',
  })
  entry(@Root() { entryId }: PendingCharge, @Ctx() context: Context): Promise<LedgerEntry> | null {
    return entryId === null ? null : load(context, entriesById, entryId);
  }
}

@Resolver(() => Wallet)
export class WalletChargesResolver {
  @FieldResolver(() => [PendingCharge], {
    description: `Charges that wait for the payment provider, newest first, at most ${MAX_PENDING}; those that are COMPLETED, FAILED or EXPIRED are left out`,
  })
  pendingCharges(@Root() { userId }: Wallet, @Ctx() { em }: Context): Promise<PendingCharge[]> {
    const waiting = { userId, storedStatus: 'PENDING', status: 'PENDING' } as const;
    return em.find(PendingCharge, waiting, { orderBy: { createdAt: 'desc', id: 'desc' }, disableIdentityMap: true });
  }
}
