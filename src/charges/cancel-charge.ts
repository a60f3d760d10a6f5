import { Field, ID, InputType } from 'type-graphql';
import { isOperator } from '../accounts/is-operator.ts';
import { asOperator, type Context, callerOf } from '../api/context.ts';
import { idempotencyKeyOf, idOf, KEY_KEPT_FOR_GOOD } from '../api/input.ts';
import { CallerError, notFound, type Refusal, refuse } from '../api/problems.ts';
import { rowsOf, WALLETS } from '../commands/lock-order.ts';
import { run, type Verb } from '../commands/runner.ts';
import { chargesOf } from '../config.ts';
import { newId } from '../platform/ids.ts';
import { LedgerEntry } from '../wallet/wallet.ts';

@InputType({ description: 'Which charge is taken back' })
export class CancelChargeInput {
  @Field(() => ID, { description: 'Id of the CHARGE entry' })
  entryId!: string;

  @Field(() => ID, { description: KEY_KEPT_FOR_GOOD })
  idempotencyKey!: string;
}

interface CancelCharge {
  /** Id of the CHARGE_CANCEL entry. */
  readonly entryId: string;
  /** Whose wallet the charge is sought in. */
  readonly userId: string;
  readonly chargeId: string;
}

/** The charge, or null where the wallet has none with that id, and whether it was cancelled before this batch. */
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
 * Takes a charge back out of a wallet, once, while the balance covers it: operators out of any, and other callers, with
 * CHARGES=open, out of their own. What was paid to a payment provider is given back there, by hand.
 * @returns the CHARGE_CANCEL entry; a Refusal NOT_CANCELLABLE for an entry that is not a charge, was cancelled before,
 * or is more than the balance; a Refusal IDEMPOTENCY_CONFLICT
 * @throws CallerError FORBIDDEN outside CHARGES=open unless the caller is an operator; NOT_FOUND for an unknown entry, and
 * for one of another wallet unless the caller is an operator
 */
export async function cancelCharge(context: Context, input: CancelChargeInput): Promise<LedgerEntry | Refusal> {
  const { id: userId } = callerOf(context);
  const mayAlways = await isOperator(context);
  if (!mayAlways && chargesOf(context.platform.config) !== 'open') throw new CallerError('FORBIDDEN');
  const chargeId = idOf('input.entryId', input.entryId);
  const key = { userId, key: idempotencyKeyOf(input.idempotencyKey), input: { entryId: chargeId } };
  const charge = mayAlways ? await context.em.findOne(LedgerEntry, { id: chargeId }) : null;
  const asked = { entryId: newId(), userId: charge?.walletId ?? userId, chargeId };
  return run(mayAlways ? asOperator(context, 'cancelCharge') : context, CANCEL_CHARGE, asked, key);
}
