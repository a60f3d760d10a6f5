import type { EntityManager } from '@mikro-orm/core';
import { type Batch, type Context, callerOf } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { anyOf, prepared, sql } from '../platform/postgres.ts';
import { COUPON_COLUMNS, type Coupon, type CouponRow, toCoupon } from './coupon.ts';
import {
  ISSUED_COLUMNS,
  ISSUED_STATUS,
  ISSUED_TABLES,
  type IssuedCoupon,
  type IssuedCouponStatus,
  type IssuedRow,
  toIssued,
} from './issued-coupon.ts';

/** Most coupons of one user that are told: the newest. */
const MOST_TOLD = 1_000;

export async function readCoupon(context: Context, idText: string): Promise<Coupon | null> {
  const text = `select ${COUPON_COLUMNS} from coupon c where c.id = $1`;
  const [row] = await sql<CouponRow>(context.em, text, [idOf('id', idText)]);
  return row ? toCoupon(row) : null;
}

/** The caller's coupons, newest first. */
export async function readMyCoupons(context: Context, status: IssuedCouponStatus | undefined): Promise<IssuedCoupon[]> {
  const rows = await sql<IssuedRow>(
    context.em,
    `select ${ISSUED_COLUMNS} from ${ISSUED_TABLES}
     where i.user_id = $1 and ($2::text is null or ${ISSUED_STATUS} = $2) order by i.id desc limit $3`,
    [callerOf(context).id, status ?? null, MOST_TOLD],
  );
  return rows.map(toIssued);
}

/** Of one coupon, what these users have. */
export async function findIssued(
  em: EntityManager,
  couponId: string,
  userIds: readonly string[],
): Promise<Map<string, IssuedCoupon>> {
  const rows = await sql<IssuedRow>(
    em,
    prepared(`select ${ISSUED_COLUMNS} from ${ISSUED_TABLES} where i.coupon_id = $1 and i.user_id = ${anyOf(2)}`),
    [couponId, userIds],
  );
  return new Map(rows.map((row) => [row.userId, toIssued(row)]));
}

export const couponsById: Batch<Coupon> = async ({ em }, ids) => {
  const rows = await sql<CouponRow>(em, `select ${COUPON_COLUMNS} from coupon c where c.id = any($1)`, [ids]);
  const found = new Map(rows.map((row) => [row.id, toCoupon(row)]));
  return ids.map((id) => found.get(id) as Coupon);
};

export const issuedCouponsById: Batch<IssuedCoupon> = async ({ em }, ids) => {
  const text = `select ${ISSUED_COLUMNS} from ${ISSUED_TABLES} where i.id = any($1)`;
  const found = new Map((await sql<IssuedRow>(em, text, [ids])).map((row) => [row.id, toIssued(row)]));
  return ids.map((id) => found.get(id) as IssuedCoupon);
};
