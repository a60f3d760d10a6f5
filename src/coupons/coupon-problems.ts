import { createUnionType, Field, ObjectType } from 'type-graphql';
import { Problem, Refusal, sentenceOf } from '../api/problems.ts';
import { IssuedCoupon } from './issued-coupon.ts';

@ObjectType({ implements: Problem })
export class CouponAlreadyClaimed extends Problem {
  @Field(() => IssuedCoupon)
  issuedCoupon!: IssuedCoupon;
}

export const ClaimCouponResult = createUnionType({
  name: 'ClaimCouponResult',
  types: () => [IssuedCoupon, CouponAlreadyClaimed, Refusal] as const,
});

export type ClaimAnswer = IssuedCoupon | CouponAlreadyClaimed | Refusal;

export function couponAlreadyClaimed(issuedCoupon: IssuedCoupon): CouponAlreadyClaimed {
  return Object.assign(new CouponAlreadyClaimed(), sentenceOf('COUPON_ALREADY_CLAIMED'), { issuedCoupon });
}
