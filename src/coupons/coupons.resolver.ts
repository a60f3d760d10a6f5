import {
  Arg,
  Args,
  Ctx,
  Directive,
  Extensions,
  FieldResolver,
  ID,
  Mutation,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import { isOperator } from '../accounts/is-operator.ts';
import { type Connection, PageArgs } from '../api/connection.ts';
import { type Context, load, PUBLIC } from '../api/context.ts';
import { type ClaimAnswer, ClaimCouponResult, claimCoupon } from './claim-coupon.ts';
import { CloseCouponInput, closeCoupon } from './close-coupon.ts';
import { Coupon, CouponConnection, IssuedCoupon, IssuedCouponStatus } from './coupon.ts';
import { CreateCouponInput, createCoupon } from './create-coupon.ts';
import { couponsById, readClaimableCoupons, readCoupon, readCoupons, readMyCoupons } from './read-coupons.ts';
import { UpdateCouponInput, UpdateCouponResult, updateCoupon } from './update-coupon.ts';

@Resolver(() => IssuedCoupon)
export class CouponsResolver {
  @FieldResolver(() => Coupon, { description: 'The coupon' })
  coupon(@Root() issued: IssuedCoupon, @Ctx() context: Context): Promise<Coupon> {
    return load(context, couponsById, issued.couponId);
  }

  @Extensions(PUBLIC)
  @Query(() => Coupon, {
    nullable: true,
    name: 'coupon',
    description: 'A coupon; null for an unknown id',
  })
  readCoupon(
    @Arg('id', () => ID, { description: 'Id of the coupon' }) id: string,
    @Ctx() context: Context,
  ): Promise<Coupon | null> {
    return readCoupon(context, id);
  }

  @Extensions(PUBLIC)
  @Query(() => CouponConnection, {
    description: 'Coupons that can be claimed now, newest first; operators get all',
  })
  async coupons(@Args(() => PageArgs) args: PageArgs, @Ctx() context: Context): Promise<Connection<Coupon>> {
    const read = (await isOperator(context)) ? readCoupons : readClaimableCoupons;
    return read(context, args);
  }

  @Query(() => [IssuedCoupon], { description: 'Coupons of the caller, newest first, at most 1,000' })
  myCoupons(
    @Arg('status', () => IssuedCouponStatus, {
      nullable: true,
      description: 'Only coupons with this status; all if left out',
    })
    status: IssuedCouponStatus | undefined,
    @Ctx() context: Context,
  ): Promise<IssuedCoupon[]> {
    return readMyCoupons(context, status);
  }

  @Extensions({ rates: ['claims'] })
  @Mutation(() => ClaimCouponResult, {
    description: `Issues a coupon to the caller, in the order of arrival. Answers the IssuedCoupon. Refused: \`COUPON_ALREADY_CLAIMED\`
from the second claim on, also when both arrive at once, so that it needs no key; \`COUPON_SOLD_OUT\`, \`COUPON_CLOSED\`.
Error: \`NOT_FOUND\` for an unknown coupon`,
  })
  claimCoupon(
    @Arg('couponId', () => ID, { description: 'Id of the coupon' }) couponId: string,
    @Ctx() context: Context,
  ): Promise<ClaimAnswer> {
    return claimCoupon(context, couponId);
  }

  @Directive('@operator')
  @Mutation(() => Coupon, {
    description: `Makes a coupon. Answers the coupon, of which none is issued yet. Error: \`BAD_USER_INPUT\` for input out of its bounds,
and unless \`startsAt\` is before \`endsAt\``,
  })
  createCoupon(
    @Arg('input', () => CreateCouponInput, { description: 'The coupon' }) input: CreateCouponInput,
    @Ctx() context: Context,
  ): Promise<Coupon> {
    return createCoupon(context, input);
  }

  @Directive('@operator')
  @Mutation(() => UpdateCouponResult, {
    description: `Changes what is given of a coupon; those that were issued stand, with the new times. Answers the coupon. Refused:
\`QUANTITY_ONLY_GROWS\`; \`COUPON_CLOSED\` for more of a closed coupon. Errors: \`NOT_FOUND\` for an unknown coupon;
\`BAD_USER_INPUT\` for input out of its bounds, null, an \`endsAt\` that is not in the future, and unless \`startsAt\` is
before \`endsAt\``,
  })
  updateCoupon(
    @Arg('input', () => UpdateCouponInput, { description: 'What to change' }) input: UpdateCouponInput,
    @Ctx() context: Context,
  ) {
    return updateCoupon(context, input);
  }

  @Directive('@operator')
  @Mutation(() => Coupon, {
    description: `Ends the claims of a coupon, for good; those that were issued are used until \`endsAt\`. Answers the coupon; one that
was closed before as it is. Error: \`NOT_FOUND\` for an unknown coupon`,
  })
  closeCoupon(
    @Arg('input', () => CloseCouponInput, { description: 'The coupon' }) input: CloseCouponInput,
    @Ctx() context: Context,
  ): Promise<Coupon> {
    return closeCoupon(context, input);
  }
}
