import { createUnionType, Field, ID, ObjectType } from 'type-graphql';
import { type Context, callerOf, load } from '../api/context.ts';
import { CallerError, Problem, Refusal, refuse, sentenceOf } from '../api/problems.ts';
import { Money } from '../api/scalars.ts';
import { OPERATORS_LOCK, ordersLimit, rowsOf, USERS, userLock, WALLETS } from '../commands/lock-order.ts';
import { Leave, run, type Verb } from '../commands/runner.ts';
import { forkOf } from '../platform/platform.ts';
import { sql } from '../platform/postgres.ts';
import { leaveQueue } from '../queue/leave-queue.ts';
import { liveTokensOfUsers } from '../queue/read-live-tokens.ts';
import { readOperators } from './read-operators.ts';
import { forgetCookie } from './remember-cookie.ts';
import { endSessions } from './sign-out-everywhere.ts';
import { User } from './user.ts';

@ObjectType({
  implements: Problem,
  description: '`ACCOUNT_IN_USE`: the account has what would be lost with it. Of each sort at most 100 ids are named',
})
export class AccountInUse extends Problem {
  @Field(() => Money, { description: 'Balance of the wallet' })
  balance!: number;

  @Field(() => [ID], { description: 'Charges that may still be paid at the payment provider' })
  chargeIds!: string[];

  @Field(() => [ID], { description: 'Reservations whose seats are held' })
  reservationIds!: string[];

  @Field(() => [ID], { description: 'Orders that are not paid yet' })
  orderIds!: string[];

  @Field(() => [ID], { description: 'Tickets of shows that are not over, or whose cancellation is not refunded yet' })
  ticketIds!: string[];
}

export const DeleteMyAccountResult = createUnionType({
  name: 'DeleteMyAccountResult',
  description: 'The user without a name, AccountInUse, or a Refusal `LAST_OPERATOR`',
  types: () => [User, AccountInUse, Refusal] as const,
});

type Answer = User | AccountInUse | Refusal;

/** Most ids of each sort that a refusal names. */
const MAX_NAMED = 100;

/** What the account has besides money, and, where an operator is to be deleted, the ids of those who can sign in. */
interface Facts extends Pick<AccountInUse, 'chargeIds' | 'reservationIds' | 'orderIds' | 'ticketIds'> {
  readonly operators: Set<string> | undefined;
}

/** `Known` is whether the user is an operator, so that the operators are locked. */
const DELETE_ACCOUNT: Verb<{ readonly userId: string }, Answer, boolean, Facts> = {
  name: 'deleteMyAccount',
  contends: ({ userId }) => [`user:${userId}`, `wallet:${userId}`],

  async prepare(platform, asked) {
    const where = { id: { $in: asked.map(({ userId }) => userId) }, role: 'OPERATOR' } as const;
    const operators = new Set((await forkOf(platform).find(User, where)).map(({ id }) => id));
    return asked.map(({ userId }) => ({ known: operators.has(userId) }));
  },

  locks: ({ userId }, isOperator) => ({
    exclusive: [userLock(userId), ...(isOperator ? [OPERATORS_LOCK] : [])],
    limits: [ordersLimit(userId)],
    rows: [rowsOf(USERS, [userId]), rowsOf(WALLETS, [userId])],
  }),

  async facts(em, items, scene) {
    const operators = items.some(({ known }) => known) ? await readOperators(em, scene) : undefined;
    const facts: Facts[] = [];
    for (const { asked } of items) {
      const rows = await sql<{ sort: string; id: string }>(
        em,
        `(select 'charge' as sort, id from pending_charge
            where user_id = $1 and status = 'PENDING' and expires_at > $2 limit $3)
         union all
         (select 'reservation', id from reservation where user_id = $1 and status = 'HELD' and expires_at > $2 limit $3)
         union all
         (select 'order', id from shop_order where user_id = $1 and status = 'PLACED' and pay_by > $2 limit $3)
         union all
         (select 'ticket', t.id from reservation r join ticket t on t.seat_id = any(r.seat_ids) and t.reservation_id = r.id
           join show s on s.id = r.show_id
         where r.user_id = $1 and r.status = 'CONFIRMED'
           and (s.starts_at + make_interval(mins => s.duration_minutes) > $2 or s.cancelled_at is not null)
         limit $3)`,
        [asked.userId, scene.now, MAX_NAMED],
      );
      const idsOf = (sort: string): string[] => rows.filter((row) => row.sort === sort).map(({ id }) => id);
      const [chargeIds, reservationIds] = [idsOf('charge'), idsOf('reservation')];
      facts.push({ operators, chargeIds, reservationIds, orderIds: idsOf('order'), ticketIds: idsOf('ticket') });
    }
    return facts;
  },

  decide({ asked: { userId }, facts: { operators, ...had } }, scene) {
    const user = scene.find(USERS, userId);
    if (!user || user.deletedAt !== null) throw new CallerError('UNAUTHENTICATED');
    const wallet = scene.get(WALLETS, userId);
    if (wallet.balance > 0 || Object.values(had).some((ids) => ids.length > 0)) {
      return Object.assign(new AccountInUse(), sentenceOf('ACCOUNT_IN_USE'), { balance: wallet.balance, ...had });
    }
    // The user has just become an operator.
    if (user.role === 'OPERATOR' && !operators) return new Leave();
    if (operators?.size === 1 && operators.has(userId)) return refuse('LAST_OPERATOR');
    operators?.delete(userId);
    wallet.close(scene.now);
    user.delete(scene.now);
    endSessions(user, scene);
    return user;
  },
};

/**
 * Deletes the caller's account: the name, the password and what an identity provider calls the user go; ids, the ledger,
 * and what was bought stay. All sessions end, places in queues are left, and the name is free again.
 * @returns the user as it is now; AccountInUse with money, live holds, unpaid orders, tickets of shows to come or charges
 * that may still be paid; a Refusal LAST_OPERATOR when nobody else who can sign in is an operator
 */
export async function deleteMyAccount(context: Context): Promise<Answer> {
  const { id: userId } = callerOf(context);
  const answer = await run(context, DELETE_ACCOUNT, { userId });
  if (!(answer instanceof User)) return answer;
  forgetCookie(context);
  await leaveQueues(context, userId);
  return answer;
}

/** Gives up the user's places in queues. Never throws: a place that stays ends by itself when its turn comes. */
async function leaveQueues(context: Context, userId: string): Promise<void> {
  try {
    const places = await load(context, liveTokensOfUsers, userId);
    await Promise.all(places.map(({ value }) => leaveQueue(context, value)));
  } catch (error) {
    context.platform.log.warn({ userId, error: String(error) }, 'a deleted user still has places in queues');
  }
}
