import type { EntityManager } from '@mikro-orm/core';
import { newId } from '../platform/ids.ts';
import { prepared, sql } from '../platform/postgres.ts';
import { type IssuedCoupon, type IssuedRow, toIssued } from './issued-coupon.ts';

/** One user's wish for a coupon. */
export interface Claim {
  readonly userId: string;
  /** What was decided elsewhere; left out: the lowest that is free, in the order of the claims. */
  readonly serial?: number;
}

/** Gives each claim its serial; those whose serial is taken, or for whom none is left, are left out. */
export async function numberClaims(
  em: EntityManager,
  couponId: string,
  quantity: number,
  claims: readonly Claim[],
): Promise<Required<Claim>[]> {
  const asked = claims.flatMap(({ serial }) => serial ?? []);
  const taken = asked.length > 0 ? await takenOf(em, couponId, asked) : new Set<number>();
  const free = await lowestFree(em, couponId, quantity, claims.length - asked.length);
  return claims.flatMap(({ userId, serial = free.shift() }) =>
    serial === undefined || taken.has(serial) ? [] : [{ userId, serial }],
  );
}

async function takenOf(em: EntityManager, couponId: string, serials: readonly number[]): Promise<Set<number>> {
  const text = prepared('select serial from issued_coupon where coupon_id = $1 and serial = any($2)');
  return new Set((await sql<{ serial: number }>(em, text, [couponId, serials])).map(({ serial }) => serial));
}

/** Up to `count` serials that nobody has. Where none was given back they follow the highest: then nothing is searched. */
async function lowestFree(em: EntityManager, couponId: string, quantity: number, count: number): Promise<number[]> {
  if (count === 0) return [];
  const rows = await sql<{ serial: number }>(
    em,
    prepared(`with top as (
       select c.issued, coalesce((select max(serial) from issued_coupon where coupon_id = $1), 0) as highest
       from coupon c where c.id = $1
     )
     select s.serial::int as serial from top
     cross join lateral generate_series(case when highest = issued then highest + 1 else 1 end, $2::int) as s (serial)
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
  numbered: readonly Required<Claim>[],
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
