import { Arg, Args, Ctx, Directive, FieldResolver, ID, Query, Resolver, Root } from 'type-graphql';
import { type Connection, PageArgs } from '../api/connection.ts';
import { type Batch, type Context, holderOf, load } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { CallerError } from '../api/problems.ts';
import { type Payment, PaymentConnection } from '../payments/payment.ts';
import { readPayments } from '../payments/read-payments.ts';
import { hashOf, QueueToken } from '../queue/queue-token.ts';
import { liveTokensOfUsers } from '../queue/read-live-tokens.ts';
import { readReservations } from '../reservations/read-reservations.ts';
import { type Reservation, ReservationConnection, ReservationStatus } from '../reservations/reservation.ts';
import { type Order, OrderConnection } from '../shop/order.ts';
import { readOrders } from '../shop/read-orders.ts';
import { Wallet, walletsOfUsers } from '../wallet/wallet.ts';
import { isOperator } from './is-operator.ts';
import { readUsers } from './read-users.ts';
import { User, UserConnection } from './user.ts';

/** What a user has. Only the user and operators may see it, wherever the user appears. */
@Resolver(() => User)
export class UserResolver {
  @Directive('@operator')
  @Query(() => UserConnection, {
    description:
      'Users in the order of their names, without regard to case. `search` is an id, or the beginning of a name in any case; everybody if left out',
  })
  users(
    @Arg('search', () => String, { nullable: true, description: 'At most 200 characters' }) search: string | undefined,
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() context: Context,
  ): Promise<Connection<User>> {
    return readUsers(context, search, args);
  }

  @Directive('@operator')
  @Query(() => User, { nullable: true, description: 'A user; null for an unknown id' })
  user(@Arg('id', () => ID, { description: 'Id of the user' }) id: string, @Ctx() context: Context) {
    return context.em.findOne(User, { id: idOf('id', id) });
  }

  @FieldResolver(() => Wallet, {
    description: 'The wallet of the user. Only the user and operators may read it, others get the error `FORBIDDEN`',
  })
  async wallet(@Root() { id }: User, @Ctx() context: Context): Promise<Wallet> {
    await requireUser(context, id);
    return load(context, walletsOfUsers, id);
  }

  @FieldResolver(() => ReservationConnection, {
    description:
      'Reservations of the user, newest first. Only the user and operators may read them, others get the error `FORBIDDEN`',
  })
  async reservations(
    @Root() { id }: User,
    @Args(() => PageArgs) args: PageArgs,
    @Arg('status', () => ReservationStatus, {
      nullable: true,
      description: 'Only reservations with this status; all if left out',
    })
    status: ReservationStatus | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<Reservation>> {
    await requireUser(context, id);
    return readReservations(context, id, args, status);
  }

  @FieldResolver(() => OrderConnection, {
    description:
      'Orders of the user, newest first. Only the user and operators may read them, others get the error `FORBIDDEN`',
  })
  async orders(
    @Root() { id }: User,
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() context: Context,
  ): Promise<Connection<Order>> {
    await requireUser(context, id);
    return readOrders(context, id, args);
  }

  @FieldResolver(() => PaymentConnection, {
    description:
      'Payments of the user, FAILED ones included, newest first. Only the user and operators may read them, others get the error `FORBIDDEN`',
  })
  async payments(
    @Root() { id }: User,
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() context: Context,
  ): Promise<Connection<Payment>> {
    await requireUser(context, id);
    return readPayments(context, id, args);
  }

  @FieldResolver(() => [QueueToken], {
    description: `WAITING and ACTIVE places of the user in all queues, newest first. Only the user, who counts as present in these
queues, and operators may read them, others get the error \`FORBIDDEN\`. Operators get the public id of a token as its
\`value\`, which gives no access`,
  })
  async tokens(@Root() { id }: User, @Ctx() context: Context): Promise<QueueToken[]> {
    await requireUser(context, id);
    const tokens = await load(context, liveTokensOfUsers, id);
    if (holderOf(context) === id) return tokens;
    return tokens.map((token) => Object.assign(new QueueToken(), token, { value: hashOf(token.value) }));
  }
}

/** @throws CallerError FORBIDDEN unless the caller is the user with the id, or an operator */
async function requireUser(context: Context, id: string): Promise<void> {
  if (holderOf(context) !== id && !(await load(context, operators, id))) throw new CallerError('FORBIDDEN');
}

/** Whether the caller is an operator, asked once for all fields that are resolved together. */
const operators: Batch<boolean> = async (context, ids) => {
  const is = await isOperator(context);
  return ids.map(() => is);
};
