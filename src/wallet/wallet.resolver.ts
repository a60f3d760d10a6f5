import { Arg, Ctx, Directive, FieldResolver, Int, Mutation, Query, Resolver, Root } from 'type-graphql';
import { type Connection, numberKey, pageOf, toConnection } from '../api/connection.ts';
import { type Context, callerOf, load } from '../api/context.ts';
import { Payment } from '../payments/payment.ts';
import { paymentsById } from '../payments/read-payments.ts';
import { AdjustWalletInput, AdjustWalletResult, adjustWallet } from './adjust-wallet.ts';
import { entriesById, LedgerEntry, LedgerEntryConnection, Wallet, walletsOfUsers } from './wallet.ts';

const NAME = 'entry';

@Resolver(() => Wallet)
export class WalletResolver {
  @Query(() => Wallet)
  wallet(@Ctx() context: Context): Promise<Wallet> {
    return load(context, walletsOfUsers, callerOf(context).id);
  }

  @FieldResolver(() => LedgerEntryConnection)
  async entries(
    @Root() wallet: Wallet,
    @Arg('first', () => Int, { defaultValue: 20 }) first: number,
    @Arg('after', () => String, { nullable: true }) after: string | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<LedgerEntry>> {
    const page = pageOf(NAME, first, after, numberKey);
    const where = { walletId: wallet.userId, ...(page.after !== undefined && { seq: { $lt: page.after } }) };
    const rows = await context.em.find(LedgerEntry, where, { orderBy: { seq: 'desc' }, limit: first + 1 });
    return toConnection(NAME, rows, first, ({ seq }) => seq);
  }

  @Directive('@operator')
  @Mutation(() => AdjustWalletResult, {
    description: "Adds money to a user's wallet or takes some away, for a reason, by an entry of kind ADJUSTMENT",
  })
  adjustWallet(@Arg('input', () => AdjustWalletInput) input: AdjustWalletInput, @Ctx() context: Context) {
    return adjustWallet(context, input);
  }
}

@Resolver(() => LedgerEntry)
export class LedgerEntryResolver {
  @FieldResolver(() => Payment, { nullable: true, description: 'What a PAYMENT or REFUND belongs to' })
  payment(@Root() entry: LedgerEntry, @Ctx() context: Context): Promise<Payment> | null {
    return entry.paymentId === null ? null : load(context, paymentsById, entry.paymentId);
  }

  @FieldResolver(() => LedgerEntry, { nullable: true, description: 'The CHARGE that a CHARGE_CANCEL takes back' })
  cancels(@Root() entry: LedgerEntry, @Ctx() context: Context): Promise<LedgerEntry> | null {
    return entry.cancelsId === null ? null : load(context, entriesById, entry.cancelsId);
  }
}
