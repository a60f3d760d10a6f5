import { type Batch, type Context, callerOf } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { Coupon, IssuedCoupon, type IssuedCouponStatus, WITH_USE } from './coupon.ts';

/** Most coupons of one user in an answer: the newest. */
const MAX_MINE = 1_000;

/** Reads a coupon as it is now. @returns null for an unknown id */
export function readCoupon({ em }: Context, idText: string): Promise<Coupon | null> {
  return em.findOne(Coupon, { id: idOf('id', idText) }, { disableIdentityMap: true });
}

/** Reads the caller's coupons, newest first, at most 1,000. @param status selects coupons with it; undefined for all */
export function readMyCoupons(context: Context, status: IssuedCouponStatus | undefined): Promise<IssuedCoupon[]> {
  return context.em.find(
    IssuedCoupon,
    { userId: callerOf(context).id, ...(status && { status }) },
    { populate: WITH_USE, orderBy: { id: 'desc' }, limit: MAX_MINE, disableIdentityMap: true },
  );
}

/** Loads coupons by id; each id must exist. */
export const couponsById: Batch<Coupon> = async ({ em }, ids) => {
  const rows = await em.find(Coupon, { id: { $in: [...ids] } }, { disableIdentityMap: true });
  const found = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => found.get(id) as Coupon);
};

/** Loads issued coupons by id, with their status; each id must exist. */
export const issuedCouponsById: Batch<IssuedCoupon> = async ({ em }, ids) => {
  const rows = await em.find(IssuedCoupon, { id: { $in: [...ids] } }, { populate: WITH_USE, disableIdentityMap: true });
  const found = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => found.get(id) as IssuedCoupon);
};
