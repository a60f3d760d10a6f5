import { BigIntType, type OptionalProps } from '@mikro-orm/core';
import { Entity, Formula, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
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

/** A row of `coupon`. */
@ObjectType()
@Entity({ tableName: 'coupon' })
export class Coupon {
  declare [OptionalProps]?: 'version' | 'remaining';

  @Field(() => ID)
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Field(() => String)
  @Property({ type: 'text' })
  name!: string;

  @Field(() => DiscountKind)
  @Property({ type: 'text' })
  discountKind!: DiscountKind;

  @Field(() => Money)
  @Property({ type: new BigIntType('number') })
  value!: number;

  @Field(() => Money, { description: 'Smallest order subtotal it can be used on' })
  @Property({ type: new BigIntType('number') })
  minimumSubtotal!: number;

  @Field(() => Int, { description: 'How many will ever be issued' })
  @Property({ type: 'integer' })
  quantity!: number;

  @Property({ type: 'integer' })
  issued!: number;

  /** Checked and raised by MikroORM with every update. */
  @Property({ type: 'integer', version: true })
  version!: number;

  @Field(() => Int)
  @Formula((columns) => `${columns.quantity} - ${columns.issued}`)
  remaining!: number;

  @Field(() => DateTime)
  @Property({ type: 'datetime', columnType: 'timestamptz' })
  startsAt!: Date;

  @Field(() => DateTime)
  @Property({ type: 'datetime', columnType: 'timestamptz' })
  endsAt!: Date;

  /** Whether it is given out, and can be used, at the instant `now`. */
  isOpenAt(now: Date): boolean {
    return this.startsAt <= now && now < this.endsAt;
  }

  /** What it takes off a subtotal, in minor units: an amount, or percent rounded down, never more than there is. */
  discountOn(subtotal: number): number {
    return this.discountKind === 'PERCENT' ? Math.floor((subtotal * this.value) / 100) : Math.min(this.value, subtotal);
  }
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
