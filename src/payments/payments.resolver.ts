import {
  Arg,
  Ctx,
  Directive,
  Extensions,
  FieldResolver,
  ID,
  Int,
  Mutation,
  Query,
  Resolver,
  Root,
  Subscription,
} from 'type-graphql';
import { usersById } from '../accounts/read-users.ts';
import { User } from '../accounts/user.ts';
import type { Connection } from '../api/connection.ts';
import { type Context, callerOf, load, SLOW } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { Show } from '../concerts/show.ts';
import type { Subject } from '../platform/topics.ts';
import { CancelPaymentInput, CancelPaymentResult, cancelPayment } from './cancel-payment.ts';
import { CancelShowInput, cancelShow } from './cancel-show.ts';
import { PayInput, pay } from './pay.ts';
import { payableOf } from './payable.ts';
import { Payable, Payment, PaymentConnection, PayResult } from './payment.ts';
import { linesOfRefunds, readPayments, refundsOfPayments } from './read-payments.ts';
import { Refund, RefundLine } from './refund.ts';
import { type RefundAnswer, RefundPaymentInput, RefundPaymentResult, refundPayment } from './refund-payment.ts';
import { refundsOfShows, SHOW_REFUNDS, ShowRefunds } from './show-refunds.ts';

@Resolver(() => Payment)
export class PaymentsResolver {
  @FieldResolver(() => Payable)
  payable(@Root() payment: Payment, @Ctx() context: Context): Promise<typeof Payable> {
    const { kind, id } = payableOf(payment);
    return load(context, kind.byId, id);
  }

  @FieldResolver(() => User, { description: 'Who paid' })
  user(@Root() payment: Payment, @Ctx() context: Context): Promise<User> {
    return load(context, usersById, payment.userId);
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
    description: 'Gives back all that is left of a payment. A second cancellation under a new key: NOT_CANCELLABLE',
  })
  cancelPayment(@Arg('input', () => CancelPaymentInput) input: CancelPaymentInput, @Ctx() context: Context) {
    return cancelPayment(context, input);
  }

  @FieldResolver(() => [Refund], { description: 'What was given back of it, in the order of time' })
  refunds(@Root() payment: Payment, @Ctx() context: Context): Promise<Refund[]> {
    return load(context, refundsOfPayments, payment.id);
  }

  @Mutation(() => RefundPaymentResult, {
    description: `Gives back some of the seats or pieces that a payment was for. Owners may ask as long as they may cancel the payment, operators always. The coupon
of an order comes back only with the whole order, and its minimum subtotal is not judged again`,
  })
  refundPayment(
    @Arg('input', () => RefundPaymentInput) input: RefundPaymentInput,
    @Ctx() context: Context,
  ): Promise<RefundAnswer> {
    return refundPayment(context, input);
  }
}

@Resolver(() => Refund)
export class RefundResolver {
  @FieldResolver(() => [RefundLine], { description: 'Pieces that were taken back; empty for a reservation' })
  lines(@Root() refund: Refund, @Ctx() context: Context): Promise<RefundLine[]> {
    return load(context, linesOfRefunds, refund.id);
  }
}

@Resolver(() => Show)
export class ShowRefundsResolver {
  @Directive('@operator')
  @FieldResolver(() => ShowRefunds, { nullable: true, description: 'null: the show was not cancelled' })
  refunds(@Root() show: Show, @Ctx() context: Context): Promise<ShowRefunds> | null {
    return show.cancelledAt === null ? null : load(context, refundsOfShows, show.id);
  }

  @Extensions(SLOW)
  @Directive('@operator')
  @Mutation(() => Show, {
    description: `Cancels a show for good: from now on nothing of it is sold, held or paid for (SHOW_CANCELLED), and every payment is given back, checked in or
not. Holds end. A queue is closed when no show behind it is left whose sale is not over. A cancelled show is answered as it is`,
  })
  cancelShow(@Arg('input', () => CancelShowInput) input: CancelShowInput, @Ctx() context: Context): Promise<Show> {
    return cancelShow(context, input);
  }

  @Directive('@operator')
  @Subscription(() => ShowRefunds, {
    description: 'How far the refunds of a cancelled show are: now, then at most once a second as they change',
    topics: SHOW_REFUNDS.name,
    topicId: ({ args, context }): Subject => ({
      platform: (context as Context).platform,
      id: idOf('showId', args.showId as string),
    }),
  })
  showRefunds(
    @Arg('showId', () => ID, { description: 'The show' }) _showId: string,
    @Root() refunds: ShowRefunds,
  ): ShowRefunds {
    return refunds;
  }
}
