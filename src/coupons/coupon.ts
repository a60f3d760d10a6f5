import { BigIntType, type OptionalProps } from '@mikro-orm/core';
import { Entity, Formula, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { connectionOf } from '../api/connection.ts';
import { DateTime, Money } from '../api/scalars.ts';
import type { EventsOf, NewEvent } from '../commands/event-types.ts';
import { newId } from '../platform/ids.ts';

export const DiscountKind = { FIXED: 'FIXED', PERCENT: 'PERCENT' } as const;
export type DiscountKind = keyof typeof DiscountKind;
registerEnumType(DiscountKind, {
  name: 'DiscountKind',
  description: 'How the value of a coupon is meant',
  valuesConfig: {
    FIXED: { description: '`value` is an amount of money' },
    PERCENT: { description: '`value` is a percentage, 1 .. 100; the discount is rounded down to the minor unit' },
  },
});

export const IssuedCouponStatus = { ISSUED: 'ISSUED', USED: 'USED', EXPIRED: 'EXPIRED' } as const;
export type IssuedCouponStatus = keyof typeof IssuedCouponStatus;
registerEnumType(IssuedCouponStatus, {
  name: 'IssuedCouponStatus',
  description: 'Whether an issued coupon can be used',
  valuesConfig: {
    ISSUED: { description: 'It can be used' },
    USED: { description: 'An order that is PLACED or PAID has it' },
    EXPIRED: { description: 'The time of the coupon is over, and no order has it' },
  },
});

/**
 * SQL for the instant at which the live order that uses an issued coupon was placed; an overdue order does not use it.
 */
const usedBy = (issuedCouponId: string): string => `(select o.created_at from shop_order o
  where o.issued_coupon_id = ${issuedCouponId}
    and (o.status = 'PAID' or (o.status = 'PLACED' and o.pay_by > clock_timestamp())))`;

/**
 * A row of `issued_coupon`. Only `Coupon.issue` makes one. Orders and the clock decide whether it is used, so `status`
 * and `usedAt` are read only by queries that populate `WITH_USE`, and never together with a row lock.
 */
@ObjectType({ description: 'A coupon as one user has it; a user has at most one of each coupon' })
@Entity({ tableName: 'issued_coupon' })
export class IssuedCoupon {
  declare [OptionalProps]?: 'status' | 'usedAt';

  @Field(() => ID, { description: 'Id of the issued coupon' })
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Property({ type: 'uuid' })
  userId!: string;

  @Property({ type: 'uuid' })
  couponId!: string;

  /** Quantity of the coupon; a constraint of the row limits the serial by it. */
  @Property({ type: 'integer' })
  quantity!: number;

  @Field(() => Int, { description: 'In which place it was claimed: 1 is the first' })
  @Property({ type: 'integer' })
  serial!: number;

  @Field(() => IssuedCouponStatus, { description: 'Whether it can be used' })
  @Formula(
    ({ id, couponId }) => `case when exists ${usedBy(id)} then 'USED'
      when (select c.ends_at from coupon c where c.id = ${couponId}) <= clock_timestamp() then 'EXPIRED' else 'ISSUED' end`,
    { type: 'text', lazy: true },
  )
  status!: IssuedCouponStatus;

  @Field(() => DateTime, { description: 'When it was claimed' })
  @Property({ type: 'datetime', columnType: 'timestamptz' })
  issuedAt!: Date;

  @Field(() => DateTime, { nullable: true, description: 'When the order that has it was placed; null unless USED' })
  @Formula(({ id }) => usedBy(id), { type: 'datetime', lazy: true, nullable: true })
  usedAt!: Date | null;
}

/** The properties that a query populates to read an IssuedCoupon with its status. */
export const WITH_USE = ['status', 'usedAt'] as const;

/** A row of `coupon`. */
@ObjectType({ description: 'A discount on an order, of which a limited number is given out' })
@Entity({ tableName: 'coupon' })
export class Coupon {
  declare [OptionalProps]?: 'version';

  @Field(() => ID, { description: 'Id of the coupon' })
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Field(() => String, { description: 'Name of the coupon' })
  @Property({ type: 'text' })
  name!: string;

  @Field(() => DiscountKind, { description: 'How `value` is meant' })
  @Property({ type: 'text' })
  discountKind!: DiscountKind;

  @Field(() => Money, { description: 'The discount: an amount, or a percentage' })
  @Property({ type: new BigIntType('number') })
  value!: number;

  @Field(() => Money, { description: 'Smallest `Order.subtotal` that it is used for' })
  @Property({ type: new BigIntType('number') })
  minimumSubtotal!: number;

  @Field(() => Int, { description: 'How many are given out in all; an operator can add some' })
  @Property({ type: 'integer' })
  quantity!: number;

  @Property({ type: 'integer' })
  issued!: number;

  /** MikroORM checks and raises it with every update. */
  @Property({ type: 'integer', version: true })
  version!: number;

  @Field(() => Int, { description: 'How many can still be claimed; 0 when all have been issued' })
  get remaining(): number {
    return this.quantity - this.issued;
  }

  @Field(() => DateTime, { description: 'From when it is claimed and used' })
  @Property({ type: 'datetime', columnType: 'timestamptz' })
  startsAt!: Date;

  @Field(() => DateTime, { description: 'Until when it is claimed and used, this instant not included' })
  @Property({ type: 'datetime', columnType: 'timestamptz' })
  endsAt!: Date;

  @Field(() => DateTime, {
    nullable: true,
    description:
      'When an operator closed it: no more are given out, and those that were issued are used until `endsAt`. Null while it is not closed',
  })
  @Property({ type: 'datetime', columnType: 'timestamptz', nullable: true })
  closedAt!: Date | null;

  /** Whether the coupon can be used at the instant `now`. */
  isOpenAt(now: Date): boolean {
    return this.startsAt <= now && now < this.endsAt;
  }

  /** Whether the coupon can be claimed at the instant `now`. */
  isClaimableAt(now: Date): boolean {
    return this.closedAt === null && this.isOpenAt(now);
  }

  /**
   * Issues one of the coupons to a user and counts it.
   * @param serial a number that no other issued coupon has
   * @param at the instant, by PostgreSQL's clock
   * @returns the issued coupon; the caller inserts it after the coupon's row was written
   * @throws RangeError when none is left: the caller checks that first
   */
  issue(userId: string, serial: number, at: Date): IssuedCoupon {
    if (this.remaining < 1) throw new RangeError('no more of a coupon are issued than there are');
    this.issued += 1;
    return Object.assign(new IssuedCoupon(), {
      id: newId(),
      userId,
      couponId: this.id,
      quantity: this.quantity,
      serial,
      status: 'ISSUED' as const,
      issuedAt: at,
      usedAt: null,
    });
  }

  /**
   * The discount on a subtotal, both in minor units: a percentage, rounded down, or an amount, at most the subtotal.
   */
  discountOn(subtotal: number): number {
    return this.discountKind === 'PERCENT' ? Math.floor((subtotal * this.value) / 100) : Math.min(this.value, subtotal);
  }
}

export const CouponConnection = connectionOf('Coupon', Coupon);

/** The events of a coupon that an operator changed or closed; one that was only issued has none. */
export const eventsOfCoupon: EventsOf<Coupon> = ({ before, after }) => {
  if (!before) return [];
  const { id, quantity, startsAt, endsAt, closedAt } = after;
  const isSame = quantity === before.quantity && +startsAt === +before.startsAt && +endsAt === +before.endsAt;
  const times = { startsAt: startsAt.toISOString(), endsAt: endsAt.toISOString() };
  const changed: NewEvent = { type: 'coupon.changed.v1', aggregate: id, data: { couponId: id, quantity, ...times } };
  if (closedAt === null || closedAt === before.closedAt) return isSame ? [] : [changed];
  const data = { couponId: id, closedAt: closedAt.toISOString() };
  return [{ type: 'coupon.closed.v1', aggregate: id, data }];
};

/** The event of a coupon that was claimed. Each is a subject of its own: `serial` tells their order. */
export const eventsOfIssuedCoupon: EventsOf<IssuedCoupon> = ({ before, after: { id, couponId, userId, serial } }) =>
  before ? [] : [{ type: 'coupon.claimed.v1', aggregate: id, data: { couponId, issuedCouponId: id, userId, serial } }];
