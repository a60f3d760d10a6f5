import { Arg, Ctx, Directive, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { isOperator } from '../accounts/is-operator.ts';
import { type Context, callerOf, load } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { entriesById, LedgerEntry } from '../wallet/wallet.ts';
import { CancelChargeInput, cancelCharge } from './cancel-charge.ts';
import { ChargeInput, ChargeResult, charge } from './charge.ts';
import { ChargeWalletInput, ChargeWalletResult, chargeWallet } from './charge-wallet.ts';
import { PendingCharge } from './pending-charge.ts';

@Resolver()
export class ChargesResolver {
  @Query(() => PendingCharge, {
    name: 'charge',
    nullable: true,
    description: 'A PendingCharge of the caller; operators read those of all. null for any other id',
  })
  async readCharge(@Arg('id', () => ID) id: string, @Ctx() context: Context): Promise<PendingCharge | null> {
    const charge = await context.em.findOne(PendingCharge, { id: idOf('id', id) }, { disableIdentityMap: true });
    const mayRead = charge?.userId === callerOf(context).id || (await isOperator(context));
    return mayRead ? charge : null;
  }

  @Mutation(() => ChargeResult, {
    description: `Adds money to the own wallet. What it is depends on Settings.charges: OPEN, the money is there at once; PROVIDER, it answers a PendingCharge,
whose reference is paid at the payment provider; OPERATOR, FORBIDDEN`,
  })
  charge(@Arg('input', () => ChargeInput) input: ChargeInput, @Ctx() context: Context) {
    return charge(context, input);
  }

  @Directive('@operator')
  @Mutation(() => ChargeWalletResult, {
    description: "Adds money that an operator has taken to a user's wallet, whatever Settings.charges is",
  })
  chargeWallet(@Arg('input', () => ChargeWalletInput) input: ChargeWalletInput, @Ctx() context: Context) {
    return chargeWallet(context, input);
  }

  @Mutation(() => ChargeResult, {
    description: `Once per charge, while the balance covers it; else NOT_CANCELLABLE. Operators cancel charges of any wallet; others their own, and where
Settings.charges is not OPEN none (FORBIDDEN)`,
  })
  cancelCharge(@Arg('input', () => CancelChargeInput) input: CancelChargeInput, @Ctx() context: Context) {
    return cancelCharge(context, input);
  }
}

@Resolver(() => PendingCharge)
export class PendingChargeResolver {
  @FieldResolver(() => LedgerEntry, { nullable: true, description: 'The CHARGE that completed it; null until then' })
  entry(@Root() { entryId }: PendingCharge, @Ctx() context: Context): Promise<LedgerEntry> | null {
    return entryId === null ? null : load(context, entriesById, entryId);
  }
}
