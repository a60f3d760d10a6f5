import { createUnionType, Field, ID, InputType } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { KEY_KEPT_FOR_GOOD } from '../api/input.ts';
import { Refusal } from '../api/problems.ts';
import { Payment } from './payment.ts';
import { giveBack, type RefundAnswer, refundVerb } from './refund-payment.ts';

@InputType({ description: 'Which payment is given back' })
export class CancelPaymentInput {
  @Field(() => ID, { description: 'Id of a COMPLETED payment' })
  paymentId!: string;

  @Field(() => ID, { description: KEY_KEPT_FOR_GOOD })
  idempotencyKey!: string;
}

export const CancelPaymentResult = createUnionType({
  name: 'CancelPaymentResult',
  description: 'The Payment, CANCELLED, or a Refusal: `NOT_CANCELLABLE` or `IDEMPOTENCY_CONFLICT`',
  types: () => [Payment, Refusal] as const,
});

const CANCEL_PAYMENT = refundVerb('cancelPayment');

/** Gives back all that is left of a payment, and what was paid for with it: the payment is CANCELLED. See `giveBack`. */
export function cancelPayment(
  context: Context,
  { paymentId, idempotencyKey }: CancelPaymentInput,
): Promise<RefundAnswer> {
  return giveBack(context, CANCEL_PAYMENT, { paymentId, idempotencyKey, part: 'REST', reason: null });
}
