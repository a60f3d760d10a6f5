import { createUnionType, Field, ID, ObjectType } from 'type-graphql';
import { Problem, Refusal, sentenceOf } from '../api/problems.ts';
import { DateTime } from '../api/scalars.ts';
import { Reservation } from './reservation.ts';

@ObjectType({ implements: Problem })
export class SeatsUnavailable extends Problem {
  @Field(() => [ID], { description: 'Which of the asked-for seats are taken' })
  seatIds!: string[];
}

@ObjectType({ implements: Problem })
export class SaleClosed extends Problem {
  @Field(() => DateTime)
  salesOpenAt!: Date;

  @Field(() => DateTime)
  salesCloseAt!: Date;
}

export const ReserveResult = createUnionType({
  name: 'ReserveResult',
  types: () => [Reservation, SeatsUnavailable, SaleClosed, Refusal] as const,
});
export const ReleaseResult = createUnionType({
  name: 'ReleaseResult',
  types: () => [Reservation, Refusal] as const,
});

export type ReserveRefusal = SeatsUnavailable | SaleClosed | Refusal;

export function seatsUnavailable(seatIds: string[]): SeatsUnavailable {
  return Object.assign(new SeatsUnavailable(), sentenceOf('SEATS_UNAVAILABLE'), { seatIds });
}

export function saleClosed(salesOpenAt: Date, salesCloseAt: Date): SaleClosed {
  return Object.assign(new SaleClosed(), sentenceOf('SALE_CLOSED'), { salesOpenAt, salesCloseAt });
}
