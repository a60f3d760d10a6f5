import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { DateTime, Money } from '../api/scalars.ts';

export const DiscountKind = { FIXED: 'FIXED', PERCENT: 'PERCENT' } as const;
export type DiscountKind = keyof typeof DiscountKind;
registerEnumType(DiscountKind, {
  name: 'DiscountKind',
  valuesConfig: {
    FIXED: { description: 'value is an amount' },
    PERCENT: { description: 'value is 1..100 percent, rounded down to the minor unit' },
  },
});

/** A row of `coupon`: read by `COUPON_COLUMNS`. */
@ObjectType()
export class Coupon {
  @Field(() => ID)
  id!: string;

  @Field(() => String)
  name!: string;

  @Field(() => DiscountKind)
  discountKind!: DiscountKind;

  @Field(() => Money)
  value!: number;

  @Field(() => Money, { description: 'Smallest order subtotal it can be used on' })
  minimumSubtotal!: number;

  @Field(() => Int, { description: 'How many will ever be issued' })
  quantity!: number;

  @Field(() => Int)
  remaining!: number;

  @Field(() => DateTime)
  startsAt!: Date;

  @Field(() => DateTime)
  endsAt!: Date;
}

/** Columns of a Coupon over `coupon c`. */
export const COUPON_COLUMNS = `
  c.id, c.name, c.discount_kind as "discountKind", c.value::float8 as value,
  c.minimum_subtotal::float8 as "minimumSubtotal", c.quantity, c.quantity - c.issued as remaining,
  (extract(epoch from c.starts_at) * 1000)::float8 as "startsAt",
  (extract(epoch from c.ends_at) * 1000)::float8 as "endsAt"`;

/** A row of `COUPON_COLUMNS`. */
export interface CouponRow extends Omit<Coupon, 'startsAt' | 'endsAt'> {
  readonly startsAt: number;
  readonly endsAt: number;
}

export function toCoupon(row: CouponRow): Coupon {
  return Object.assign(new Coupon(), row, { startsAt: new Date(row.startsAt), endsAt: new Date(row.endsAt) });
}
