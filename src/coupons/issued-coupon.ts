import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { DateTime } from '../api/scalars.ts';

export const IssuedCouponStatus = { ISSUED: 'ISSUED', USED: 'USED', EXPIRED: 'EXPIRED' } as const;
export type IssuedCouponStatus = keyof typeof IssuedCouponStatus;
registerEnumType(IssuedCouponStatus, { name: 'IssuedCouponStatus' });

/** A row of `issued_coupon`. Whether it is used says the order that has it: read by `ISSUED_COLUMNS`. */
@ObjectType({ description: "A coupon in someone's hands: one per user" })
@Entity({ tableName: 'issued_coupon' })
export class IssuedCoupon {
  @Field(() => ID)
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Property({ type: 'uuid' })
  userId!: string;

  @Property({ type: 'uuid' })
  couponId!: string;

  /** Of the coupon; by it the row itself says how high its serial may be. */
  @Property({ type: 'integer' })
  quantity!: number;

  @Field(() => Int, { description: '1 = the first one claimed' })
  @Property({ type: 'integer' })
  serial!: number;

  @Field(() => IssuedCouponStatus)
  status!: IssuedCouponStatus;

  @Field(() => DateTime)
  @Property({ type: 'datetime', columnType: 'timestamptz' })
  issuedAt!: Date;

  @Field(() => DateTime, { nullable: true })
  usedAt!: Date | null;
}

/** Whether an issued coupon is used: the live order that has it, and no other. An order not paid in time is over. */
export const ISSUED_TABLES = `issued_coupon i join coupon c on c.id = i.coupon_id
  left join shop_order o on o.issued_coupon_id = i.id
    and (o.status = 'PAID' or (o.status = 'PLACED' and o.pay_by > clock_timestamp()))`;

export const ISSUED_STATUS = `case when o.id is not null then 'USED'
  when c.ends_at <= clock_timestamp() then 'EXPIRED' else 'ISSUED' end`;

/** Columns of an IssuedCoupon over `ISSUED_TABLES`. */
export const ISSUED_COLUMNS = `
  i.id, i.user_id as "userId", i.coupon_id as "couponId", i.quantity, i.serial, ${ISSUED_STATUS} as status,
  (extract(epoch from i.issued_at) * 1000)::float8 as "issuedAt",
  (extract(epoch from o.created_at) * 1000)::float8 as "usedAt"`;

/** A row of `ISSUED_COLUMNS`. */
export interface IssuedRow extends Omit<IssuedCoupon, 'issuedAt' | 'usedAt'> {
  readonly issuedAt: number;
  readonly usedAt: number | null;
}

export function toIssued(row: IssuedRow): IssuedCoupon {
  const usedAt = row.usedAt === null ? null : new Date(row.usedAt);
  return Object.assign(new IssuedCoupon(), row, { issuedAt: new Date(row.issuedAt), usedAt });
}
