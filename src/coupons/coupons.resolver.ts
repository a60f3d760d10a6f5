import { Arg, Ctx, Directive, Extensions, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { type Context, load, PUBLIC } from '../api/context.ts';
import { type ClaimAnswer, ClaimCouponResult, claimCoupon } from './claim-coupon.ts';
import { Coupon, IssuedCoupon, IssuedCouponStatus } from './coupon.ts';
import { CreateCouponInput, createCoupon } from './create-coupon.ts';
import { couponsById, readCoupon, readMyCoupons } from './read-coupons.ts';

@Resolver(() => IssuedCoupon)
export class CouponsResolver {
  @FieldResolver(() => Coupon)
  coupon(@Root() issued: IssuedCoupon, @Ctx() context: Context): Promise<Coupon> {
    return load(context, couponsById, issued.couponId);
  }

  @Extensions(PUBLIC)
  @Query(() => Coupon, { nullable: true, name: 'coupon' })
  readCoupon(@Arg('id', () => ID) id: string, @Ctx() context: Context): Promise<Coupon | null> {
    return readCoupon(context, id);
  }

  @Query(() => [IssuedCoupon])
  myCoupons(
    @Arg('status', () => IssuedCouponStatus, { nullable: true }) status: IssuedCouponStatus | undefined,
    @Ctx() context: Context,
  ): Promise<IssuedCoupon[]> {
    return readMyCoupons(context, status);
  }

  @Mutation(() => ClaimCouponResult, {
    description: 'A second claim always answers CouponAlreadyClaimed, also when both arrive at once',
  })
  claimCoupon(@Arg('couponId', () => ID) couponId: string, @Ctx() context: Context): Promise<ClaimAnswer> {
    return claimCoupon(context, couponId);
  }

  @Directive('@operator')
  @Mutation(() => Coupon)
  createCoupon(
    @Arg('input', () => CreateCouponInput) input: CreateCouponInput,
    @Ctx() context: Context,
  ): Promise<Coupon> {
    return createCoupon(context, input);
  }
}
