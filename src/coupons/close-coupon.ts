import { Field, ID, InputType } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { notFound } from '../api/problems.ts';
import { COUPONS, rowsOf } from '../commands/lock-order.ts';
import { run, type Verb } from '../commands/runner.ts';
import type { Coupon } from './coupon.ts';

@InputType({ description: 'Which coupon is closed' })
export class CloseCouponInput {
  @Field(() => ID, { description: 'Id of the coupon' })
  id!: string;
}

const CLOSE_COUPON: Verb<{ readonly id: string }, Coupon> = {
  name: 'closeCoupon',
  contends: ({ id }) => [`coupon:${id}`],
  locks: ({ id }) => ({ rows: [rowsOf(COUPONS, [id])] }),

  decide({ asked: { id } }, scene) {
    const coupon = scene.find(COUPONS, id);
    if (!coupon) throw notFound('coupon');
    coupon.closedAt ??= scene.now;
    return coupon;
  },
};

/**
 * Ends the claims of a coupon for good: later ones are COUPON_CLOSED. Issued coupons can be used until endsAt.
 * @returns the coupon; one that was closed before as it is
 * @throws CallerError NOT_FOUND for an unknown coupon
 */
export async function closeCoupon(context: Context, input: CloseCouponInput): Promise<Coupon> {
  return run(context, CLOSE_COUPON, { id: idOf('input.id', input.id) });
}
