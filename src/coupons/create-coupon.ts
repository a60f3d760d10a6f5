import { Field, InputType, Int } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { textOf, within } from '../api/input.ts';
import { badInput } from '../api/problems.ts';
import { DateTime, Money } from '../api/scalars.ts';
import { run, type Verb } from '../commands/runner.ts';
import { newId } from '../platform/ids.ts';
import { Coupon, DiscountKind } from './coupon.ts';

@InputType({ description: 'A new coupon' })
export class CreateCouponInput {
  @Field(() => String, { description: '1 .. 200 characters' })
  name!: string;

  @Field(() => DiscountKind, { description: 'How `value` is meant' })
  discountKind!: DiscountKind;

  @Field(() => Money, { description: 'The discount: 1 .. 1,000,000,000 for FIXED, 1 .. 100 for PERCENT' })
  value!: number;

  @Field(() => Money, {
    defaultValue: 0,
    description: 'Smallest `Order.subtotal` that it is used for: 0 .. 1,000,000,000',
  })
  minimumSubtotal!: number;

  @Field(() => Int, { description: 'How many are given out, 1 .. 1,000,000' })
  quantity!: number;

  @Field(() => DateTime, { description: 'From when it is claimed and used; before `endsAt`' })
  startsAt!: Date;

  @Field(() => DateTime, { description: 'Until when it is claimed and used' })
  endsAt!: Date;
}

const MAX_AMOUNT = 1_000_000_000;
const MAX_PERCENT = 100;
export const MAX_QUANTITY = 1_000_000;

const CREATE_COUPON: Verb<CreateCouponInput, Coupon> = {
  name: 'createCoupon',
  contends: () => [],
  locks: () => ({}),
  decide({ asked }, scene) {
    const coupon = Object.assign(new Coupon(), { ...asked, id: newId(), issued: 0, version: 1, closedAt: null });
    scene.insert(coupon);
    return coupon;
  },
};

/**
 * Creates a coupon of which none is issued yet.
 * @returns the coupon
 * @throws CallerError BAD_USER_INPUT for a name outside 1..200 characters, a value outside 1..100 percent or
 * 1..1,000,000,000, a minimumSubtotal outside 0..1,000,000,000, a quantity outside 1..1,000,000, or unless startsAt is
 * before endsAt
 */
export async function createCoupon(context: Context, input: CreateCouponInput): Promise<Coupon> {
  const { discountKind, startsAt, endsAt } = input;
  const name = textOf('input.name', input.name, 1, 200);
  const value = within('input.value', input.value, 1, discountKind === 'PERCENT' ? MAX_PERCENT : MAX_AMOUNT);
  const minimumSubtotal = within('input.minimumSubtotal', input.minimumSubtotal, 0, MAX_AMOUNT);
  const quantity = within('input.quantity', input.quantity, 1, MAX_QUANTITY);
  if (startsAt >= endsAt) throw badInput('input.endsAt', 'must be after startsAt');
  const coupon = { name, discountKind, value, minimumSubtotal, quantity, startsAt, endsAt };
  return run(context, CREATE_COUPON, coupon);
}
