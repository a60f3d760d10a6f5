import type { EntityManager } from '@mikro-orm/core';
import { createUnionType, Field, ID, InputType, Int } from 'type-graphql';
import { isOperator } from '../accounts/is-operator.ts';
import { asOperator, type Context, callerOf } from '../api/context.ts';
import { idempotencyKeyOf, idOf, KEY_KEPT_FOR_GOOD, textOf, within } from '../api/input.ts';
import { badInput, notFound, Refusal, refuse } from '../api/problems.ts';
import { PAYMENTS, rowsOf, WALLETS } from '../commands/lock-order.ts';
import { type Item, run, type Scene, type Verb } from '../commands/runner.ts';
import { newId } from '../platform/ids.ts';
import { sql } from '../platform/postgres.ts';
import type { Returned } from '../shop/order.ts';
import { readReturned } from '../shop/read-orders.ts';
import { forEachKind, type Part, payableOf } from './payable.ts';
import { Payment } from './payment.ts';
import { NotRefundable, Refund, RefundLine } from './refund.ts';

@InputType({ description: 'Pieces of one line of an order' })
export class RefundLineInput {
  @Field(() => Int, { description: 'OrderLine.lineNo' })
  lineNo!: number;

  @Field(() => Int, { description: 'How many pieces of it: 1 .. 100' })
  quantity!: number;
}

@InputType({
  description: `Exactly one of seatIds and lines, else BAD_USER_INPUT. Seats return what they cost when they were held. k of the n pieces of a line return
floor(paid x k / n), where paid is the line's amount less its share of the discount; the last of them return the rest`,
})
export class RefundPaymentInput {
  @Field(() => ID, { description: 'Id of a COMPLETED payment' })
  paymentId!: string;

  @Field(() => [ID], {
    nullable: true,
    description: 'Ids of seats of the reservation that was paid for, each once: 1 .. 1,000',
  })
  seatIds?: string[] | null;

  @Field(() => [RefundLineInput], {
    nullable: true,
    description: 'Lines of the order that was paid for, each once: 1 .. 50',
  })
  lines?: RefundLineInput[] | null;

  @Field(() => String, { nullable: true, description: 'Why, at most 500 characters. The payer can read it' })
  reason?: string | null;

  @Field(() => ID, { description: KEY_KEPT_FOR_GOOD })
  idempotencyKey!: string;
}

export const RefundPaymentResult = createUnionType({
  name: 'RefundPaymentResult',
  description: 'The Payment, NotRefundable, or a Refusal: `NOT_CANCELLABLE` or `IDEMPOTENCY_CONFLICT`',
  types: () => [Payment, NotRefundable, Refusal] as const,
});

export type RefundAnswer = Payment | NotRefundable | Refusal;

/** Most seats of one request. */
const MAX_SEATS = 1_000;
const MAX_LINES = 50;
const MAX_QUANTITY = 100;
/** Characters of a reason. */
export const MAX_REASON = 500;

/** One payment, and the part of it that is to be given back. */
interface GiveBack {
  /** As it was read without a lock: its user and its payable never change. */
  readonly payment: Payment;
  readonly part: Part;
  readonly reason: string | null;
  /** Whether the caller may give back at any time: an operator. */
  readonly mayAlways: boolean;
}

interface Facts {
  /** The instant until which the owner may have it given back. */
  readonly until: Date | undefined;
  /** Number of refunds of the payment. One object for all commands about the payment. */
  readonly refunds: { count: number };
  /** What was given back of lines, by `lineKey`. One object for all commands of the batch. */
  readonly returned: Map<string, Returned>;
}

export type RefundVerb = Verb<GiveBack, RefundAnswer, unknown, Facts>;

/** The verb that gives back a part of a payment, or all that is left. @param name of the mutation */
export function refundVerb(name: string): RefundVerb {
  return {
    name,
    contends: ({ payment: { id, userId } }) => [`wallet:${userId}`, `payment:${id}`],

    prepare: async (platform, asked) =>
      forEachKind(
        asked,
        ({ payment }) => payableOf(payment).kind,
        async (kind, ofKind) => {
          const ids = ofKind.map(({ payment }) => payableOf(payment).id);
          const known = await kind.prepareToRefund(platform, ids);
          return ids.map((id) => ({ known: known.get(id) }));
        },
      ),

    locks({ payment }, known) {
      const { kind, id } = payableOf(payment);
      const { rows = [] } = kind.locksToRefund(id, known);
      return { rows: [...rows, rowsOf(PAYMENTS, [payment.id]), rowsOf(WALLETS, [payment.userId])] };
    },

    facts: readFacts,

    decide({ asked: { payment: found, part, reason, mayAlways }, known, facts }, scene) {
      const payment = scene.get(PAYMENTS, found.id);
      const isInTime = mayAlways || (facts.until !== undefined && scene.now < facts.until);
      if (payment.status !== 'COMPLETED' || !isInTime) return refuse('NOT_CANCELLABLE');
      const { kind } = payableOf(payment);
      const { returned, refunds } = facts;
      const credit = kind.credit({ payment, part, reason, mayAlways, known, returned }, scene);
      if (!('settle' in credit)) return credit;
      const { amount, seatIds, isRest } = credit;
      const refund = Object.assign(new Refund(), {
        ...{ id: newId(), paymentId: payment.id, seq: ++refunds.count, amount, reason, seatIds: [...seatIds] },
        createdAt: scene.now,
      });
      refund.lines = credit.lines.map((line) => Object.assign(new RefundLine(), line, { refundId: refund.id }));
      credit.settle();
      payment.refund(amount);
      if (isRest) payment.cancel(scene.now);
      scene.insert(refund, ...refund.lines);
      if (amount > 0) {
        const wallet = scene.get(WALLETS, payment.userId);
        const cause = { paymentId: payment.id, refundId: refund.id };
        scene.insert(wallet.post({ kind: 'REFUND', amount, at: scene.now, ...cause }));
      }
      return payment;
    },

    presumed: ({ payment: { id } }) => ({ type: 'Payment', id }),
    replay: (em, { id }) => em.findOneOrFail(Payment, { id }, { disableIdentityMap: true }),
    refusals: { NotRefundable },
  };
}

/** Reads until when owners may have payments given back, and what was given back of them. */
async function readFacts(
  em: EntityManager,
  items: readonly Item<GiveBack, unknown>[],
  scene: Scene,
): Promise<readonly Facts[]> {
  const rows = await sql<{ id: string; count: number }>(
    em,
    'select payment_id as id, count(*) from refund where payment_id = any($1) group by payment_id',
    [items.map(({ asked: { payment } }) => payment.id)],
  );
  const counts = new Map(rows.map(({ id, count }) => [id, { count }]));
  const orderIds = items.flatMap(({ asked: { payment } }) => payment.orderId ?? []);
  const returned = orderIds.length > 0 ? await readReturned(em, orderIds) : new Map<string, Returned>();
  const refundsOf = ({ id }: Payment): { count: number } => {
    const refunds = counts.get(id) ?? { count: 0 };
    counts.set(id, refunds);
    return refunds;
  };
  return forEachKind(
    items,
    ({ asked: { payment } }) => payableOf(payment).kind,
    async (kind, ofKind) => {
      const payments = ofKind.map(({ asked: { payment } }) => payment);
      const until = await kind.refundedUntil(em, payments, scene);
      return payments.map((payment) => ({
        until: until.get(payableOf(payment).id),
        refunds: refundsOf(payment),
        returned,
      }));
    },
  );
}

/** The request of a mutation that gives back a payment, as it was sent. */
export interface RefundRequest {
  readonly paymentId: string;
  readonly part: Part;
  readonly reason: string | null;
  readonly idempotencyKey: string;
}

/**
 * Gives back a part of a payment, or all that is left, once for each idempotency key, in one transaction: the money, and
 * what was paid for with it. The owner may ask until the instant that the kind of payable sets, an operator at any time.
 * BALANCE_LIMIT does not stop it, and the wallet expires as late as after any other movement.
 * @returns the Payment, CANCELLED when nothing of it is left; NotRefundable; a Refusal NOT_CANCELLABLE for a payment that
 * is not COMPLETED, whose time is over, or whose tickets were checked in; a Refusal IDEMPOTENCY_CONFLICT
 * @throws CallerError NOT_FOUND for an unknown payment, and for another user's unless the caller is an operator
 */
export async function giveBack(context: Context, verb: RefundVerb, request: RefundRequest): Promise<RefundAnswer> {
  const { id: userId } = callerOf(context);
  const paymentId = idOf('input.paymentId', request.paymentId);
  const { part, reason } = request;
  const input = { paymentId, ...(part !== 'REST' && part), reason };
  const key = { userId, key: idempotencyKeyOf(request.idempotencyKey), input };
  const payment = await context.em.findOne(Payment, { id: paymentId }, { disableIdentityMap: true });
  const mayAlways = await isOperator(context);
  const isTheirs = payment !== null && (payment.userId === userId || mayAlways);
  // A command also when there is no such payment: a key that came with other input before is refused first.
  if (!isTheirs) return run(context, { ...UNKNOWN, name: verb.name }, { paymentId }, key);
  const caller = mayAlways ? asOperator(context, verb.name) : context;
  return run(caller, verb, { payment, part, reason, mayAlways }, key);
}

const UNKNOWN: Omit<Verb<{ readonly paymentId: string }, RefundAnswer>, 'name'> = {
  contends: () => [],
  locks: () => ({}),
  decide() {
    throw notFound('payment');
  },
  presumed: ({ paymentId }) => ({ type: 'Payment', id: paymentId }),
  replay: (em, { id }) => em.findOneOrFail(Payment, { id }, { disableIdentityMap: true }),
  refusals: { NotRefundable },
};

const REFUND_PAYMENT = refundVerb('refundPayment');

/**
 * Gives back the named seats, or pieces of lines, of a payment; see `giveBack`.
 * @throws CallerError also BAD_USER_INPUT for anything but either seats or lines, for one that is named twice, and for a
 * quantity outside 1..100
 */
export async function refundPayment(context: Context, input: RefundPaymentInput): Promise<RefundAnswer> {
  const { paymentId, idempotencyKey } = input;
  const reason = typeof input.reason === 'string' ? textOf('input.reason', input.reason, 0, MAX_REASON) : null;
  return giveBack(context, REFUND_PAYMENT, { paymentId, idempotencyKey, reason, part: partOf(input) });
}

function partOf({ seatIds = null, lines = null }: RefundPaymentInput): Part {
  if ((seatIds === null) === (lines === null)) throw badInput('input.seatIds', 'or lines must be given, and not both');
  if (seatIds !== null) {
    if (seatIds.length < 1 || seatIds.length > MAX_SEATS) {
      throw badInput('input.seatIds', `must have from 1 to ${MAX_SEATS} seats`);
    }
    const ids = seatIds.map((id, index) => idOf(`input.seatIds[${index}]`, id));
    if (new Set(ids).size < ids.length) throw badInput('input.seatIds', 'names a seat twice');
    return { seatIds: ids };
  }
  const named = lines ?? [];
  if (named.length < 1 || named.length > MAX_LINES) throw badInput('input.lines', `must be from 1 to ${MAX_LINES}`);
  if (new Set(named.map(({ lineNo }) => lineNo)).size < named.length)
    throw badInput('input.lines', 'names a line twice');
  return {
    lines: named.map(({ lineNo, quantity }, index) => ({
      lineNo,
      quantity: within(`input.lines[${index}].quantity`, quantity, 1, MAX_QUANTITY),
    })),
  };
}
