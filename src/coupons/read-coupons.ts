import { raw } from '@mikro-orm/core';
import { type Connection, idKey, type PageArgs, pageOf, readNewestFirst } from '../api/connection.ts';
import { type Batch, type Context, callerOf } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { Coupon, IssuedCoupon, type IssuedCouponStatus, WITH_USE } from './coupon.ts';

/** Most coupons of one user in an answer: the newest. */
const MAX_MINE = 1_000;

const NAME = 'coupon';

/** The present time, of which PostgreSQL can estimate how many coupons end after it: few, so that it uses their index. */
const NOW = 'statement_timestamp()';

/** Reads a page of all coupons, newest first. @throws CallerError BAD_USER_INPUT for a malformed page */
export async function readCoupons({ em }: Context, args: PageArgs): Promise<Connection<Coupon>> {
  return readNewestFirst(em, Coupon, {}, pageOf(NAME, args, idKey), 'id');
}

/**
 * Reads a page of the coupons that can be claimed now, newest first: started, neither ended nor closed, and some are left.
 * @throws CallerError BAD_USER_INPUT for a malformed page
 */
export async function readClaimableCoupons({ em }: Context, args: PageArgs): Promise<Connection<Coupon>> {
  const claimable = {
    startsAt: { $lte: raw(NOW) },
    endsAt: { $gt: raw(NOW) },
    issued: { $lt: raw('quantity') },
    closedAt: null,
  };
  return readNewestFirst(em, Coupon, claimable, pageOf(NAME, args, idKey), 'id');
}

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
