import type { EntityManager } from '@mikro-orm/core';
import type { KeptAnswer } from '../platform/idempotency.ts';
import { Refusal } from '../problems.ts';
import { AlreadyPaid, alreadyPaid, InsufficientBalance, type PayAnswer } from './pay-problems.ts';
import { Payment } from './payment.ts';

/** A refusal of pay as it is kept under its key. */
export function keptPayAnswer(answer: Exclude<PayAnswer, Payment>): KeptAnswer {
  if (answer instanceof AlreadyPaid) return { type: 'AlreadyPaid', id: answer.payment.id };
  return { type: answer.constructor.name, fields: answer };
}

/** What `keptPayAnswer` kept, with the payment as it is now. */
export async function restorePayAnswer(em: EntityManager, { type, id, fields }: KeptAnswer): Promise<PayAnswer> {
  if (id === undefined) return Object.assign(type === 'Refusal' ? new Refusal() : new InsufficientBalance(), fields);
  const payment = await em.findOneOrFail(Payment, { id }, { refresh: true });
  return type === 'AlreadyPaid' ? alreadyPaid(payment) : payment;
}
