import { badInput } from '../api/problems.ts';
import { ORDER } from './order-payable.ts';
import type { PayableKind } from './payable-kind.ts';
import type { Payment } from './payment.ts';
import { RESERVATION } from './reservation-payable.ts';

/** Every kind of thing that can be paid for. */
const PAYABLES: readonly PayableKind[] = [RESERVATION, ORDER];

/** One thing that can be paid for, or was. */
export interface PayableRef {
  readonly kind: PayableKind;
  readonly id: string;
}

/**
 * The payable that a payment, or the input of `pay`, names.
 * @throws CallerError BAD_USER_INPUT when it names none, or several
 */
export function payableOf(named: Partial<Pick<Payment, PayableKind['argument']>>): PayableRef {
  const refs = PAYABLES.flatMap((kind) => {
    const id = named[kind.argument];
    return typeof id === 'string' ? [{ kind, id }] : [];
  });
  const [ref, another] = refs;
  if (ref && !another) return ref;
  throw badInput(`Exactly one is needed of: ${PAYABLES.map(({ argument }) => argument).join(', ')}.`);
}
