import { Field, InputType, Int } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { textOf, within } from '../api/input.ts';
import { badInput } from '../api/problems.ts';
import { DateTime, Money } from '../api/scalars.ts';
import { newId } from '../platform/ids.ts';
import { sqlRow } from '../platform/postgres.ts';
import { COUPON_COLUMNS, type Coupon, type CouponRow, DiscountKind, toCoupon } from './coupon.ts';

@InputType()
export class CreateCouponInput {
  @Field(() => String)
  name!: string;

  @Field(() => DiscountKind)
  discountKind!: DiscountKind;

  @Field(() => Money)
  value!: number;

  @Field(() => Money, { defaultValue: 0 })
  minimumSubtotal!: number;

  @Field(() => Int)
  quantity!: number;

  @Field(() => DateTime)
  startsAt!: Date;

  @Field(() => DateTime)
  endsAt!: Date;
}

const MOST_AMOUNT = 1_000_000_000;
const MOST_PERCENT = 100;
const MOST_COUPONS = 1_000_000;

/**
 * @throws CallerError BAD_USER_INPUT: name 1..200 characters, value 1..100 percent or 1..1,000,000,000, minimumSubtotal
 * 0..1,000,000,000, quantity 1..1,000,000, startsAt before endsAt
 */
export async function createCoupon(context: Context, input: CreateCouponInput): Promise<Coupon> {
  const { discountKind, startsAt, endsAt } = input;
  const name = textOf('name', input.name, 1, 200);
  const value = within('value', input.value, 1, discountKind === 'PERCENT' ? MOST_PERCENT : MOST_AMOUNT);
  const minimumSubtotal = within('minimumSubtotal', input.minimumSubtotal, 0, MOST_AMOUNT);
  const quantity = within('quantity', input.quantity, 1, MOST_COUPONS);
  if (startsAt >= endsAt) throw badInput('startsAt must be before endsAt.');
  const row = await sqlRow<CouponRow>(
    context.em,
    `insert into coupon as c (id, name, discount_kind, value, minimum_subtotal, quantity, starts_at, ends_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8) returning ${COUPON_COLUMNS}`,
    [newId(), name, discountKind, value, minimumSubtotal, quantity, startsAt, endsAt],
  );
  return toCoupon(row);
}
