import { createUnionType, Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { type Given, givenOf, idOf, textOf, within } from '../api/input.ts';
import { badInput, notFound, Problem, Refusal, refuse, sentenceOf } from '../api/problems.ts';
import { DateTime } from '../api/scalars.ts';
import { COUPONS, rowsOf } from '../commands/lock-order.ts';
import { run, type Verb } from '../commands/runner.ts';
import { Coupon } from './coupon.ts';
import { MAX_QUANTITY } from './create-coupon.ts';

@InputType({
  description:
    'Changes of a coupon. What is left out stays as it is; the discount and the smallest subtotal never change',
})
export class UpdateCouponInput {
  @Field(() => ID, { description: 'Id of the coupon' })
  id!: string;

  @Field(() => String, { nullable: true, description: '1 .. 200 characters' })
  name?: string | null;

  @Field(() => DateTime, { nullable: true, description: 'From when it is claimed and used; before `endsAt`' })
  startsAt?: Date | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'Until when it is claimed and used, in the future; also for those that were issued',
  })
  endsAt?: Date | null;

  @Field(() => Int, {
    nullable: true,
    description: 'How many are given out: at least as many as before, at most 1,000,000',
  })
  quantity?: number | null;
}

@ObjectType({
  implements: Problem,
  description: '`QUANTITY_ONLY_GROWS`: the quantity of a coupon is not lowered; nothing was changed',
})
export class QuantityOnlyGrows extends Problem {
  @Field(() => Int, { description: 'The quantity now' })
  quantity!: number;
}

export const UpdateCouponResult = createUnionType({
  name: 'UpdateCouponResult',
  description: 'The coupon as it is now, QuantityOnlyGrows, or a Refusal `COUPON_CLOSED`',
  types: () => [Coupon, QuantityOnlyGrows, Refusal] as const,
});

interface UpdateCoupon {
  readonly id: string;
  readonly changes: Omit<Given<UpdateCouponInput>, 'id'>;
}

type Answer = Coupon | QuantityOnlyGrows | Refusal;

const UPDATE_COUPON: Verb<UpdateCoupon, Answer> = {
  name: 'updateCoupon',
  contends: ({ id }) => [`coupon:${id}`],
  locks: ({ id }) => ({ rows: [rowsOf(COUPONS, [id])] }),

  decide({ asked: { id, changes } }, scene) {
    const coupon = scene.find(COUPONS, id);
    if (!coupon) throw notFound('coupon');
    const { quantity, startsAt, endsAt } = { ...coupon, ...changes };
    if (changes.endsAt && endsAt <= scene.now) throw badInput('input.endsAt', 'must lie in the future');
    if (startsAt >= endsAt)
      throw badInput(changes.startsAt ? 'input.startsAt' : 'input.endsAt', 'must leave startsAt before endsAt');
    if (quantity < coupon.quantity) {
      return Object.assign(new QuantityOnlyGrows(), sentenceOf('QUANTITY_ONLY_GROWS'), { quantity: coupon.quantity });
    }
    if (coupon.closedAt !== null && quantity > coupon.quantity) return refuse('COUPON_CLOSED');
    return Object.assign(coupon, changes);
  },
};

/**
 * Changes the name, times and quantity of a coupon that are given. Coupons that were issued stand; they can be used
 * within the new times.
 * @returns the coupon; QuantityOnlyGrows for a quantity below the present one; a Refusal COUPON_CLOSED for more of a
 * closed coupon
 * @throws CallerError NOT_FOUND for an unknown coupon; BAD_USER_INPUT for null, a name outside 1..200 characters, a
 * quantity outside 1..1,000,000, an `endsAt` that is not in the future, and unless startsAt is before endsAt
 */
export async function updateCoupon(context: Context, input: UpdateCouponInput): Promise<Answer> {
  const { id, ...changes } = givenOf(input);
  if (changes.name !== undefined) textOf('input.name', changes.name, 1, 200);
  if (changes.quantity !== undefined) within('input.quantity', changes.quantity, 1, MAX_QUANTITY);
  return run(context, UPDATE_COUPON, { id: idOf('input.id', id as string), changes });
}
