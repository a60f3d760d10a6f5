import { Arg, Ctx, FieldResolver, Int, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { Connection } from '../api/connection.ts';
import { type Context, callerOf, load } from '../api/context.ts';
import { CancelPaymentInput, CancelPaymentResult, cancelPayment } from './cancel-payment.ts';
import { PayInput, pay } from './pay.ts';
import { payableOf } from './payable.ts';
import { Payable, Payment, PaymentConnection, PayResult } from './payment.ts';
import { readPayments } from './read-payments.ts';

@Resolver(() => Payment)
export class PaymentsResolver {
  @FieldResolver(() => Payable)
  payable(@Root() payment: Payment, @Ctx() context: Context): Promise<typeof Payable> {
    const { kind, id } = payableOf(payment);
    return load(context, kind.byId, id);
  }

  @Query(() => PaymentConnection)
  payments(
    @Arg('first', () => Int, { defaultValue: 20 }) first: number,
    @Arg('after', () => String, { nullable: true }) after: string | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<Payment>> {
    return readPayments(context, callerOf(context).id, first, after);
  }

  @Mutation(() => PayResult)
  pay(@Arg('input', () => PayInput) input: PayInput, @Ctx() context: Context) {
    return pay(context, input);
  }

  @Mutation(() => CancelPaymentResult, {
    description: 'A second cancellation under a new key: NOT_CANCELLABLE',
  })
  cancelPayment(@Arg('input', () => CancelPaymentInput) input: CancelPaymentInput, @Ctx() context: Context) {
    return cancelPayment(context, input);
  }
}
