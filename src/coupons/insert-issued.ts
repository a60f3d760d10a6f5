import type { EntityManager } from '@mikro-orm/core';
import { newId } from '../platform/ids.ts';
import { prepared, sql } from '../platform/postgres.ts';
import { type IssuedCoupon, type IssuedRow, toIssued } from './issued-coupon.ts';

/** Who is to have which serial. */
export interface Numbered {
  readonly userId: string;
  readonly serial: number;
}

/** Gives each user, in their order, the lowest serial that nobody has; those for whom none is left are left out. */
export async function numberClaims(
  em: EntityManager,
  couponId: string,
  quantity: number,
  userIds: readonly string[],
): Promise<Numbered[]> {
  const free = await lowestFree(em, couponId, quantity, userIds.length);
  return userIds.flatMap((userId, index) => {
    const serial = free[index];
    return serial === undefined ? [] : [{ userId, serial }];
  });
}

/** Up to `count` serials that nobody has. Where none was taken out by hand they follow the highest: nothing is searched. */
async function lowestFree(em: EntityManager, couponId: string, quantity: number, count: number): Promise<number[]> {
  if (count === 0) return [];
  const rows = await sql<{ serial: number }>(
    em,
    prepared(`with top as (
       select c.issued, coalesce((select max(serial) from issued_coupon where coupon_id = $1), 0) as highest
       from coupon c where c.id = $1
     )
     select s.serial::int as serial from top
     cross join lateral generate_series(
       case when highest = issued then highest + 1 else 1 end, least($2::int, highest + $3)
     ) as s (serial)
     where not exists (select from issued_coupon i where i.coupon_id = $1 and i.serial = s.serial)
     order by s.serial limit $3`),
    [couponId, quantity, count],
  );
  return rows.map(({ serial }) => serial);
}

/**
 * Writes who has which serial, if no more coupons are issued than `version` says, and counts them.
 * @returns what was written: all, or nothing when others were issued since
 */
export async function insertIssued(
  em: EntityManager,
  couponId: string,
  version: number,
  numbered: readonly Numbered[],
): Promise<IssuedCoupon[]> {
  const rows = await sql<IssuedRow>(
    em,
    prepared(`with c as (
       update coupon set issued = issued + $3 where id = $1 and issued = $2 returning id, quantity
     )
     insert into issued_coupon (id, coupon_id, quantity, user_id, serial)
     select u.id, c.id, c.quantity, u.user_id, u.serial
     from c cross join unnest($4::uuid[], $5::uuid[], $6::int[]) as u (id, user_id, serial)
     returning id, user_id as "userId", coupon_id as "couponId", serial, 'ISSUED' as status,
       (extract(epoch from issued_at) * 1000)::float8 as "issuedAt", null as "usedAt"`),
    [
      couponId,
      version,
      numbered.length,
      numbered.map(() => newId()),
      numbered.map(({ userId }) => userId),
      numbered.map(({ serial }) => serial),
    ],
  );
  return rows.map(toIssued);
}
