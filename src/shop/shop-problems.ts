import { createUnionType, Field, ID, Int, ObjectType } from 'type-graphql';
import { Problem, Refusal, sentenceOf } from '../api/problems.ts';
import { Order } from './order.ts';
import { Product } from './product.ts';

@ObjectType()
export class StockShortage {
  @Field(() => ID)
  productId!: string;

  @Field(() => Int)
  requested!: number;

  @Field(() => Int)
  available!: number;
}

@ObjectType({ implements: Problem })
export class InsufficientStock extends Problem {
  @Field(() => [StockShortage])
  shortages!: StockShortage[];
}

export const RestockResult = createUnionType({
  name: 'RestockResult',
  types: () => [Product, InsufficientStock, Refusal] as const,
});
export const PlaceOrderResult = createUnionType({
  name: 'PlaceOrderResult',
  types: () => [Order, InsufficientStock, Refusal] as const,
});
export const CancelOrderResult = createUnionType({
  name: 'CancelOrderResult',
  types: () => [Order, Refusal] as const,
});

export type StockRefusal = InsufficientStock | Refusal;

export function insufficientStock(shortages: StockShortage[]): InsufficientStock {
  return Object.assign(new InsufficientStock(), sentenceOf('INSUFFICIENT_STOCK'), { shortages });
}
