import { Arg, Args, Ctx, Directive, FieldResolver, Mutation, Query, Resolver, Root } from 'type-graphql';
import { type Connection, numberKey, PageArgs, pageOf, readNewestFirst } from '../api/connection.ts';
import { type Context, callerOf, load } from '../api/context.ts';
import { Payment } from '../payments/payment.ts';
import { paymentsById } from '../payments/read-payments.ts';
import { AdjustWalletInput, AdjustWalletResult, adjustWallet } from './adjust-wallet.ts';
import { entriesById, LedgerEntry, LedgerEntryConnection, Wallet, walletsOfUsers } from './wallet.ts';

@Resolver(() => Wallet)
export class WalletResolver {
  @Query(() => Wallet, {
    nullable: true,
    description: 'The wallet of the caller. Null only together with an error, such as `UNAUTHENTICATED`',
  })
  wallet(@Ctx() context: Context): Promise<Wallet> {
    return load(context, walletsOfUsers, callerOf(context).id);
  }

  @FieldResolver(() => LedgerEntryConnection, { description: 'Movements of its money, newest first' })
  async entries(
    @Root() wallet: Wallet,
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() { em }: Context,
  ): Promise<Connection<LedgerEntry>> {
    return readNewestFirst(em, LedgerEntry, { walletId: wallet.userId }, pageOf('entry', args, numberKey), 'seq');
  }

  @Directive('@operator')
  @Mutation(() => AdjustWalletResult, {
    description: `Adds money to a user's wallet or takes some away, for a reason. Answers the entry, of kind ADJUSTMENT. Refused:
\`INSUFFICIENT_BALANCE\`, \`BALANCE_LIMIT\`, \`IDEMPOTENCY_CONFLICT\`. Errors: \`NOT_FOUND\` for an unknown user;
\`BAD_USER_INPUT\` for an amount or a reason out of its bounds. The key replays, refusals too, and is kept for good`,
  })
  adjustWallet(
    @Arg('input', () => AdjustWalletInput, { description: 'The wallet, the amount and the reason' })
    input: AdjustWalletInput,
    @Ctx() context: Context,
  ) {
    return adjustWallet(context, input);
  }
}

@Resolver(() => LedgerEntry)
export class LedgerEntryResolver {
  @FieldResolver(() => Payment, {
    nullable: true,
    description: 'The payment that a PAYMENT or REFUND belongs to; null for other kinds',
  })
  payment(@Root() entry: LedgerEntry, @Ctx() context: Context): Promise<Payment> | null {
    return entry.paymentId === null ? null : load(context, paymentsById, entry.paymentId);
  }

  @FieldResolver(() => LedgerEntry, {
    nullable: true,
    description: 'The CHARGE that a CHARGE_CANCEL takes back; null for other kinds',
  })
  cancels(@Root() entry: LedgerEntry, @Ctx() context: Context): Promise<LedgerEntry> | null {
    return entry.cancelsId === null ? null : load(context, entriesById, entry.cancelsId);
  }
}
