import type { EntityManager } from '@mikro-orm/core';
import { type Context, callerOf } from '../api/context.ts';
import { type RefusalCode, refuse } from '../api/problems.ts';
import { newId } from '../platform/ids.ts';
import { sql } from '../platform/postgres.ts';
import type { Ledger } from '../wallet/post-entry.ts';
import { insufficientBalance, type PayAnswer } from './pay-problems.ts';
import { type Announce, type Attempt, nothingToTell, type PayableKind } from './payable-kind.ts';

/** What came of an attempt, and what is to be told of it. */
export interface Outcome {
  readonly answer: PayAnswer;
  readonly announce: Announce;
}

/**
 * Pays, in `em`'s transaction, for a payable that is locked: judges it in the contract's order, the balance last, and
 * writes. Refusals that are recorded as FAILED payments are written too, for the transaction to commit.
 */
export async function payBill(
  em: EntityManager,
  ledger: Ledger,
  context: Context,
  kind: PayableKind,
  attempt: Attempt,
): Promise<Outcome> {
  const judged = await kind.judge(em, context, attempt);
  if (!('amount' in judged)) return { answer: judged, announce: nothingToTell };
  const { amount, failure } = judged;
  const fail = (code: RefusalCode): Promise<void> =>
    recordFailure(em, kind, { id: attempt.id, userId: callerOf(context).id, amount }, code);
  if (failure) {
    await fail(failure);
    return { answer: refuse(failure), announce: nothingToTell };
  }
  if (ledger.balance < amount) {
    await fail('INSUFFICIENT_BALANCE');
    const isReleased = context.platform.config.ON_PAYMENT_FAILURE === 'release';
    const announce = isReleased ? await judged.release() : nothingToTell;
    return { answer: insufficientBalance(ledger.balance, amount), announce };
  }
  const { payment, announce } = await judged.settle();
  if (amount > 0) ledger.postEntry({ kind: 'PAYMENT', amount: -amount, paymentId: payment.id });
  return { answer: payment, announce };
}

async function recordFailure(
  em: EntityManager,
  { column }: PayableKind,
  { id, userId, amount }: { id: string; userId: string; amount: number },
  failure: RefusalCode,
): Promise<void> {
  await sql(
    em,
    `insert into payment (id, user_id, ${column}, amount, status, failure) values ($1, $2, $3, $4, 'FAILED', $5)`,
    [newId(), userId, id, amount, failure],
  );
}
