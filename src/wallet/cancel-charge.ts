import { Field, ID, InputType } from 'type-graphql';
import { type Context, callerOf } from '../api/context.ts';
import { idempotencyKeyOf, idOf } from '../api/input.ts';
import { notFound, type Refusal, refuse } from '../api/problems.ts';
import { rowsOf, WALLETS } from '../commands/lock-order.ts';
import { run, type Verb } from '../commands/runner.ts';
import { newId } from '../platform/ids.ts';
import { LedgerEntry } from './wallet.ts';

@InputType()
export class CancelChargeInput {
  @Field(() => ID)
  entryId!: string;

  @Field(() => ID)
  idempotencyKey!: string;
}

interface CancelCharge {
  /** Id of the CHARGE_CANCEL entry. */
  readonly entryId: string;
  readonly userId: string;
  readonly chargeId: string;
}

/** The charge, or null where the caller has none with that id, and whether it was cancelled before this batch. */
interface ChargeFacts {
  readonly charge: LedgerEntry | null;
  isCancelled: boolean;
}

const CANCEL_CHARGE: Verb<CancelCharge, LedgerEntry | Refusal, undefined, ChargeFacts> = {
  name: 'cancelCharge',
  contends: ({ userId }) => [`wallet:${userId}`],
  locks: ({ userId }) => ({ rows: [rowsOf(WALLETS, [userId])] }),

  async facts(em, items) {
    const ids = items.map(({ asked }) => asked.chargeId);
    const entries = await em.find(LedgerEntry, { $or: [{ id: { $in: ids } }, { cancelsId: { $in: ids } }] });
    const cancelled = new Set(entries.map(({ cancelsId }) => cancelsId));
    const byCharge = new Map<string, ChargeFacts>();
    return items.map(({ asked: { chargeId, userId } }) => {
      const charge = entries.find(({ id, walletId }) => id === chargeId && walletId === userId) ?? null;
      // Two cancellations of one charge in one batch share what the first of them changes.
      const facts = byCharge.get(chargeId) ?? { charge, isCancelled: cancelled.has(chargeId) };
      if (charge) byCharge.set(chargeId, facts);
      return facts;
    });
  },

  decide({ asked: { entryId, userId, chargeId }, facts }, scene) {
    const { charge } = facts;
    if (!charge) throw notFound('entry');
    const wallet = scene.get(WALLETS, userId);
    if (charge.kind !== 'CHARGE' || wallet.balance < charge.amount || facts.isCancelled)
      return refuse('NOT_CANCELLABLE');
    facts.isCancelled = true;
    const entry = wallet.post({
      id: entryId,
      kind: 'CHARGE_CANCEL',
      amount: -charge.amount,
      at: scene.now,
      cancelsId: chargeId,
    });
    scene.insert(entry);
    return entry;
  },

  presumed: ({ entryId }) => ({ type: 'LedgerEntry', id: entryId }),
  replay: (em, { id }) => em.findOneOrFail(LedgerEntry, { id }),
};

/**
 * Takes a charge back out of the caller's wallet, once, while the balance covers it.
 * @returns the CHARGE_CANCEL entry; a Refusal NOT_CANCELLABLE for an entry that is not a charge, was cancelled before,
 * or is more than the balance; a Refusal IDEMPOTENCY_CONFLICT
 * @throws CallerError NOT_FOUND for an unknown entry or one of another wallet
 */
export async function cancelCharge(context: Context, input: CancelChargeInput): Promise<LedgerEntry | Refusal> {
  const { id: userId } = callerOf(context);
  const chargeId = idOf('input.entryId', input.entryId);
  const key = { userId, key: idempotencyKeyOf(input.idempotencyKey), input: { entryId: chargeId } };
  return run(context, CANCEL_CHARGE, { entryId: newId(), userId, chargeId }, key);
}
