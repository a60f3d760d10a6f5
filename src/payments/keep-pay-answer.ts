import type { EntityManager } from '@mikro-orm/core';
import { keptRefusal, restoreRefusal } from '../api/problems.ts';
import type { KeptAnswer } from '../legacy/idempotency.ts';
import { AlreadyPaid, alreadyPaid, InsufficientBalance, type PayAnswer } from './pay-problems.ts';
import { Payment } from './payment.ts';

/** A refusal of pay as it is kept under its key. */
export function keptPayAnswer(answer: Exclude<PayAnswer, Payment>): KeptAnswer {
  if (answer instanceof AlreadyPaid) return { type: 'AlreadyPaid', id: answer.payment.id };
  return keptRefusal(answer);
}

/** What `keptPayAnswer` kept, with the payment as it is now. */
export async function restorePayAnswer(em: EntityManager, kept: KeptAnswer): Promise<PayAnswer> {
  const { type, id } = kept;
  if (id === undefined) return restoreRefusal(kept, { InsufficientBalance });
  const payment = await em.findOneOrFail(Payment, { id }, { refresh: true });
  return type === 'AlreadyPaid' ? alreadyPaid(payment) : payment;
}
