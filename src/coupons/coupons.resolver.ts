import { Arg, Ctx, Directive, Extensions, FieldResolver, ID, Int, Mutation, Query, Resolver, Root } from 'type-graphql';
import { isOperator } from '../accounts/is-operator.ts';
import type { Connection } from '../api/connection.ts';
import { type Context, load, PUBLIC } from '../api/context.ts';
import { type ClaimAnswer, ClaimCouponResult, claimCoupon } from './claim-coupon.ts';
import { CloseCouponInput, closeCoupon } from './close-coupon.ts';
import { Coupon, CouponConnection, IssuedCoupon, IssuedCouponStatus } from './coupon.ts';
import { CreateCouponInput, createCoupon } from './create-coupon.ts';
import { couponsById, readClaimableCoupons, readCoupon, readCoupons, readMyCoupons } from './read-coupons.ts';
import { UpdateCouponInput, UpdateCouponResult, updateCoupon } from './update-coupon.ts';

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

  @Extensions(PUBLIC)
  @Query(() => CouponConnection, {
    description: 'Newest first: those that can be claimed now; for operators all',
  })
  async coupons(
    @Arg('first', () => Int, { defaultValue: 20, description: 'Coupons in a page, 1 .. 100' }) first: number,
    @Arg('after', () => String, { nullable: true, description: 'endCursor of the page before' })
    after: string | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<Coupon>> {
    const read = (await isOperator(context)) ? readCoupons : readClaimableCoupons;
    return read(context, first, after);
  }

  @Query(() => [IssuedCoupon])
  myCoupons(
    @Arg('status', () => IssuedCouponStatus, { nullable: true }) status: IssuedCouponStatus | undefined,
    @Ctx() context: Context,
  ): Promise<IssuedCoupon[]> {
    return readMyCoupons(context, status);
  }

  @Extensions({ rates: ['claims'] })
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

  @Directive('@operator')
  @Mutation(() => UpdateCouponResult, { description: 'Changes name, times and quantity of a coupon that are given' })
  updateCoupon(
    @Arg('input', () => UpdateCouponInput, { description: 'What to change' }) input: UpdateCouponInput,
    @Ctx() context: Context,
  ) {
    return updateCoupon(context, input);
  }

  @Directive('@operator')
  @Mutation(() => Coupon, { description: 'Ends its claims; those in hands can be used until endsAt. Again: as it is' })
  closeCoupon(
    @Arg('input', () => CloseCouponInput, { description: 'Which coupon' }) input: CloseCouponInput,
    @Ctx() context: Context,
  ): Promise<Coupon> {
    return closeCoupon(context, input);
  }
}
