import type { EntityManager } from '@mikro-orm/core';
import { createUnionType, Field, ID, InputType } from 'type-graphql';
import { type Context, callerOf } from '../api/context.ts';
import { idempotencyKeyOf, KEY_KEPT_FOR_GOOD, within } from '../api/input.ts';
import { tooMany } from '../api/limits.ts';
import { CallerError, notFound, Refusal } from '../api/problems.ts';
import { Money } from '../api/scalars.ts';
import type { KeptAnswer } from '../commands/idempotency.ts';
import { chargesLimit, rowsOf, userLock, WALLETS } from '../commands/lock-order.ts';
import { run, type Verb } from '../commands/runner.ts';
import { chargesOf } from '../config.ts';
import { newId } from '../platform/ids.ts';
import { sql } from '../platform/postgres.ts';
import { SECOND } from '../platform/units.ts';
import { balanceLimit, LedgerEntry } from '../wallet/wallet.ts';
import { PendingCharge } from './pending-charge.ts';

@InputType({ description: "How much the caller's wallet is charged" })
export class ChargeInput {
  @Field(() => Money, { description: '1 .. 10,000,000' })
  amount!: number;

  @Field(() => ID, { description: KEY_KEPT_FOR_GOOD })
  idempotencyKey!: string;
}

export const ChargeResult = createUnionType({
  name: 'ChargeResult',
  description: `The LedgerEntry where \`Settings.charges\` is OPEN, the PendingCharge where it is PROVIDER, or a Refusal:
\`BALANCE_LIMIT\` of \`charge\`, \`NOT_CANCELLABLE\` of \`cancelCharge\`, \`IDEMPOTENCY_CONFLICT\``,
  types: () => [LedgerEntry, PendingCharge, Refusal] as const,
});

export type ChargeAnswer = LedgerEntry | PendingCharge | Refusal;

/** Most that one charge adds, in minor units. */
export const MAX_CHARGE = 10_000_000;

export interface Charge {
  /** Id of the entry, or of the PendingCharge. */
  readonly id: string;
  readonly userId: string;
  readonly amount: number;
}

/** The verb that adds money to a wallet at once. @param name of the mutation */
export function chargeVerb(name: string): Verb<Charge, ChargeAnswer> {
  return {
    name,
    contends: ({ userId }) => [`wallet:${userId}`],
    locks: ({ userId }) => ({ rows: [rowsOf(WALLETS, [userId])] }),

    decide({ asked: { id, userId, amount } }, scene) {
      const wallet = scene.find(WALLETS, userId);
      if (!wallet || wallet.closedAt !== null) throw notFound('user');
      if (wallet.balance + amount > scene.platform.config.BALANCE_LIMIT) return balanceLimit(scene.platform.config);
      const entry = wallet.post({ id, kind: 'CHARGE', amount, at: scene.now });
      scene.insert(entry);
      return entry;
    },

    presumed: ({ id }) => ({ type: 'LedgerEntry', id }),
    replay,
  };
}

const CHARGE = chargeVerb('charge');

/** Most charges of one user that may still be paid: what a provider makes of each is kept there for as long as that. */
export const MAX_PENDING = 50;

/** The charges of a user that may still be paid, and when the first of them no longer may. */
interface Pending {
  readonly count: number;
  readonly endsAt: Date | null;
}

/** The verb of the same mutation that notes a charge for which money is to come. */
const ASK_PROVIDER: Verb<Charge, ChargeAnswer, undefined, Pending> = {
  ...CHARGE,

  // The wallet is not changed here, so that its version would not notice that the account is deleted.
  locks: ({ userId }) => ({
    shared: [userLock(userId)],
    limits: [chargesLimit(userId)],
    rows: [rowsOf(WALLETS, [userId])],
  }),

  facts: (em, items, scene) =>
    sql<Pending>(
      em,
      `select count(c.id)::int as count, min(c.expires_at) as "endsAt"
       from unnest($1::uuid[]) with ordinality as asked (user_id, n)
       left join pending_charge c on c.user_id = asked.user_id and c.status = 'PENDING' and c.expires_at > $2
       group by asked.n order by asked.n`,
      [items.map(({ asked }) => asked.userId), scene.now],
    ),

  decide({ asked: { id, userId, amount }, facts: { count, endsAt } }, scene) {
    const { balance, closedAt } = scene.get(WALLETS, userId);
    if (closedAt !== null) throw notFound('user');
    const limit = chargesLimit(userId);
    if (count + scene.granted(limit) >= MAX_PENDING) {
      const retryAfterMs = Math.max(Number(endsAt ?? scene.now) - scene.now.getTime(), SECOND);
      throw tooMany(`At most ${MAX_PENDING} charges of a user may wait for money.`, retryAfterMs);
    }
    if (balance + amount > scene.platform.config.BALANCE_LIMIT) return balanceLimit(scene.platform.config);
    scene.grant(limit, 1);
    const charge = PendingCharge.ask(id, userId, amount, scene.now);
    scene.insert(charge);
    return charge;
  },

  presumed: ({ id }) => ({ type: 'PendingCharge', id }),
};

/** Keys are kept for good, so that the answer may be of a time when CHARGES was another. */
function replay(em: EntityManager, { type, id }: KeptAnswer & { readonly id: string }): Promise<ChargeAnswer> {
  if (type === 'PendingCharge') return em.findOneOrFail(PendingCharge, { id }, { disableIdentityMap: true });
  return em.findOneOrFail(LedgerEntry, { id });
}

/**
 * Charges the caller's wallet, once for each idempotency key: with CHARGES=open at once, with CHARGES=provider when the
 * payment provider says that the money came.
 * @param input amount in minor units
 * @returns the CHARGE entry, or the PendingCharge; a Refusal BALANCE_LIMIT when the balance would exceed BALANCE_LIMIT; a
 * Refusal IDEMPOTENCY_CONFLICT
 * @throws CallerError FORBIDDEN with CHARGES=operator; BAD_USER_INPUT for an amount outside 1..10,000,000; RATE_LIMITED while
 * MAX_PENDING charges of the caller may still be paid
 */
export async function charge(context: Context, input: ChargeInput): Promise<ChargeAnswer> {
  const { id: userId } = callerOf(context);
  const charges = chargesOf(context.platform.config);
  if (charges === 'operator') throw new CallerError('FORBIDDEN');
  const amount = within('input.amount', input.amount, 1, MAX_CHARGE);
  const key = { userId, key: idempotencyKeyOf(input.idempotencyKey), input: { amount } };
  return run(context, charges === 'open' ? CHARGE : ASK_PROVIDER, { id: newId(), userId, amount }, key);
}
