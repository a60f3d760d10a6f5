import {
  Arg,
  Args,
  Ctx,
  Directive,
  Extensions,
  FieldResolver,
  ID,
  Mutation,
  Query,
  Resolver,
  Root,
  Subscription,
} from 'type-graphql';
import { usersById } from '../accounts/read-users.ts';
import { User } from '../accounts/user.ts';
import { type Connection, PageArgs } from '../api/connection.ts';
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
  @FieldResolver(() => Payable, { description: 'The reservation or order that it is for' })
  payable(@Root() payment: Payment, @Ctx() context: Context): Promise<typeof Payable> {
    const { kind, id } = payableOf(payment);
    return load(context, kind.byId, id);
  }

  @FieldResolver(() => User, { description: 'Who paid' })
  user(@Root() payment: Payment, @Ctx() context: Context): Promise<User> {
    return load(context, usersById, payment.userId);
  }

  @Query(() => PaymentConnection, { description: 'Payments of the caller, FAILED ones included, newest first' })
  payments(@Args(() => PageArgs) args: PageArgs, @Ctx() context: Context): Promise<Connection<Payment>> {
    return readPayments(context, callerOf(context).id, args);
  }

  @Mutation(() => PayResult, {
    description: `Pays for a reservation or an order from the caller's wallet. Answers the Payment, COMPLETED: the seats or goods are
the caller's. Refused: \`ALREADY_PAID\`, \`SHOW_CANCELLED\`, \`WITHDRAWN\`, \`NOT_PAYABLE\`, \`HOLD_EXPIRED\`,
\`INSUFFICIENT_BALANCE\`, \`IDEMPOTENCY_CONFLICT\`. Errors: \`NOT_FOUND\` for what is unknown or another user's;
\`QUEUE_TOKEN_REQUIRED\` without an ACTIVE token of the queue in front, as header \`x-queue-token\`; \`BAD_USER_INPUT\` unless exactly one thing is
named. The key replays, refusals too, and is kept for good`,
  })
  pay(@Arg('input', () => PayInput, { description: 'What is paid for' }) input: PayInput, @Ctx() context: Context) {
    return pay(context, input);
  }

  @Mutation(() => CancelPaymentResult, {
    description: `Gives back all that is left of a payment, and takes back what was paid for: buyers within the time that the deployment
sets, of a reservation at most until its show begins; operators always. Answers the Payment, CANCELLED. Refused:
\`NOT_CANCELLABLE\` for a payment that is not COMPLETED, so also the second time under a new key, and for buyers when it
is too late or a ticket was checked in; \`IDEMPOTENCY_CONFLICT\`. Error: \`NOT_FOUND\` for a payment that is unknown or
another user's. The key replays, refusals too, and is kept for good`,
  })
  cancelPayment(
    @Arg('input', () => CancelPaymentInput, { description: 'The payment' }) input: CancelPaymentInput,
    @Ctx() context: Context,
  ) {
    return cancelPayment(context, input);
  }

  @FieldResolver(() => [Refund], { description: 'Each time that some of it was given back, the earliest first' })
  refunds(@Root() payment: Payment, @Ctx() context: Context): Promise<Refund[]> {
    return load(context, refundsOfPayments, payment.id);
  }

  @Mutation(() => RefundPaymentResult, {
    description: `Gives back some of the seats or pieces that a payment was for: buyers as long as they may cancel it, operators always.
The coupon of an order comes back only with the whole order, and its minimum subtotal is not judged again. Answers the
Payment, CANCELLED when nothing of it is left. Refused: \`NOT_REFUNDABLE\`, \`NOT_CANCELLABLE\`, \`IDEMPOTENCY_CONFLICT\`.
Errors: \`NOT_FOUND\` for a payment that is unknown or another user's; \`BAD_USER_INPUT\` unless either seats or lines are
named, each once. The key replays, refusals too, and is kept for good`,
  })
  refundPayment(
    @Arg('input', () => RefundPaymentInput, { description: 'The payment, and what of it is given back' })
    input: RefundPaymentInput,
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
  @FieldResolver(() => ShowRefunds, {
    nullable: true,
    description: 'How far its refunds are; null unless it was cancelled',
  })
  refunds(@Root() show: Show, @Ctx() context: Context): Promise<ShowRefunds> | null {
    return show.cancelledAt === null ? null : load(context, refundsOfShows, show.id);
  }

  @Extensions(SLOW)
  @Directive('@operator')
  @Mutation(() => Show, {
    description: `Cancels a show for good: from now on nothing of it is sold, held or paid for (\`SHOW_CANCELLED\`), its holds end, and
every payment is given back, checked in or not. A queue that stands before no other show that can be bought is closed.
Answers the show; one that was cancelled before as it is. Errors: \`NOT_FOUND\` for an unknown show; \`BAD_USER_INPUT\`
for a reason out of its bounds; \`SERVICE_UNAVAILABLE\` when purchases under way do not end within 2 seconds`,
  })
  cancelShow(
    @Arg('input', () => CancelShowInput, { description: 'The show and the reason' }) input: CancelShowInput,
    @Ctx() context: Context,
  ): Promise<Show> {
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
    @Arg('showId', () => ID, { description: 'Id of the cancelled show' }) _showId: string,
    @Root() refunds: ShowRefunds,
  ): ShowRefunds {
    return refunds;
  }
}
