import { type Batch, type Context, callerOf } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { Coupon, IssuedCoupon, type IssuedCouponStatus, WITH_USE } from './coupon.ts';

/** Coupons of one user that are answered at most: the newest. */
const MAX_MINE = 1_000;

/** @returns null for an unknown coupon */
export function readCoupon({ em }: Context, idText: string): Promise<Coupon | null> {
  return em.findOne(Coupon, { id: idOf('id', idText) }, { disableIdentityMap: true });
}

/** The caller's coupons, newest first. @param status only those that have it */
export function readMyCoupons(context: Context, status: IssuedCouponStatus | undefined): Promise<IssuedCoupon[]> {
  return context.em.find(
    IssuedCoupon,
    { userId: callerOf(context).id, ...(status && { status }) },
    { populate: WITH_USE, orderBy: { id: 'desc' }, limit: MAX_MINE, disableIdentityMap: true },
  );
}

/** Coupons that exist, by id. */
export const couponsById: Batch<Coupon> = async ({ em }, ids) => {
  const rows = await em.find(Coupon, { id: { $in: [...ids] } }, { disableIdentityMap: true });
  const found = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => found.get(id) as Coupon);
};

/** Issued coupons that exist, by id. */
export const issuedCouponsById: Batch<IssuedCoupon> = async ({ em }, ids) => {
  const rows = await em.find(IssuedCoupon, { id: { $in: [...ids] } }, { populate: WITH_USE, disableIdentityMap: true });
  const found = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => found.get(id) as IssuedCoupon);
};
