import { Arg, Ctx, FieldResolver, Int, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { Connection } from '../connection.ts';
import { type Context, load } from '../context.ts';
import { reservationsById } from '../reservations/read-reservations.ts';
import type { Reservation } from '../reservations/reservation.ts';
import { PayInput, pay } from './pay.ts';
import { PayResult } from './pay-problems.ts';
import { Payable, Payment, PaymentConnection } from './payment.ts';
import { readPayments } from './read-payments.ts';

@Resolver(() => Payment)
export class PaymentsResolver {
  @FieldResolver(() => Payable)
  payable(@Root() payment: Payment, @Ctx() context: Context): Promise<Reservation> {
    return load(context, reservationsById, payment.reservationId);
  }

  @Query(() => PaymentConnection)
  payments(
    @Arg('first', () => Int, { defaultValue: 20 }) first: number,
    @Arg('after', () => String, { nullable: true }) after: string | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<Payment>> {
    return readPayments(context, first, after);
  }

  @Mutation(() => PayResult)
  pay(@Arg('input', () => PayInput) input: PayInput, @Ctx() context: Context) {
    return pay(context, input);
  }
}
