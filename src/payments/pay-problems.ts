import { createUnionType, Field, ObjectType } from 'type-graphql';
import { Problem, Refusal, sentenceOf } from '../api/problems.ts';
import { Money } from '../api/scalars.ts';
import { Payment } from './payment.ts';

@ObjectType({ implements: Problem })
export class InsufficientBalance extends Problem {
  @Field(() => Money)
  balance!: number;

  @Field(() => Money)
  required!: number;
}

@ObjectType({ implements: Problem })
export class AlreadyPaid extends Problem {
  @Field(() => Payment)
  payment!: Payment;
}

export const PayResult = createUnionType({
  name: 'PayResult',
  types: () => [Payment, InsufficientBalance, AlreadyPaid, Refusal] as const,
});

export type PayAnswer = Payment | InsufficientBalance | AlreadyPaid | Refusal;

export function insufficientBalance(balance: number, required: number): InsufficientBalance {
  return Object.assign(new InsufficientBalance(), sentenceOf('INSUFFICIENT_BALANCE'), { balance, required });
}

export function alreadyPaid(payment: Payment): AlreadyPaid {
  return Object.assign(new AlreadyPaid(), sentenceOf('ALREADY_PAID'), { payment });
}
