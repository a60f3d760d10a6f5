import { BigIntType, type EntityManager } from '@mikro-orm/core';
import { Entity, Formula, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { connectionOf } from '../api/connection.ts';
import { DateTime, Money } from '../api/scalars.ts';
import { prepared, sql } from '../platform/postgres.ts';

export const OrderStatus = {
  PLACED: 'PLACED',
  CANCELLED: 'CANCELLED',
  PAID: 'PAID',
  PAYMENT_CANCELLED: 'PAYMENT_CANCELLED',
} as const;
export type OrderStatus = keyof typeof OrderStatus;
registerEnumType(OrderStatus, {
  name: 'OrderStatus',
  valuesConfig: {
    PLACED: { description: 'Stock is taken; waiting for payment until payBy' },
    PAYMENT_CANCELLED: { description: 'Paid, then cancelled: refunded, stock and coupon returned' },
  },
});

/** A row of `order_line`: PostgreSQL refuses to change or delete it. */
@ObjectType()
@Entity({ tableName: 'order_line' })
export class OrderLine {
  @PrimaryKey({ type: 'uuid' })
  orderId!: string;

  @Field(() => Int)
  @PrimaryKey({ type: 'integer' })
  lineNo!: number;

  @Property({ type: 'uuid' })
  productId!: string;

  @Field(() => Int)
  @Property({ type: 'integer' })
  quantity!: number;

  @Field(() => Money, { description: 'Fixed when the order was placed' })
  @Property({ type: new BigIntType('number') })
  unitPrice!: number;

  @Field(() => Money)
  get amount(): number {
    return this.quantity * this.unitPrice;
  }
}

/** A row of `shop_order`. */
@ObjectType()
@Entity({ tableName: 'shop_order' })
export class Order {
  @Field(() => ID)
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Property({ type: 'uuid' })
  userId!: string;

  @Property({ type: 'uuid', nullable: true })
  issuedCouponId!: string | null;

  /** Its lines, where they are at hand. */
  takenLines?: OrderLine[];

  /** As it was written: an order that was not paid in time is PLACED here until something writes it. */
  @Property({ type: 'text', fieldName: 'status' })
  storedStatus!: OrderStatus;

  @Field(() => OrderStatus)
  @Formula((columns) => statusNow(columns.storedStatus, columns.payBy))
  status!: OrderStatus;

  @Field(() => Money)
  @Property({ type: new BigIntType('number') })
  subtotal!: number;

  @Field(() => Money)
  @Property({ type: new BigIntType('number') })
  discount!: number;

  @Field(() => Money)
  @Property({ type: new BigIntType('number') })
  total!: number;

  @Field(() => DateTime)
  @Property({ type: 'datetime', columnType: 'timestamptz' })
  createdAt!: Date;

  @Field(() => DateTime)
  @Property({ type: 'datetime', columnType: 'timestamptz' })
  payBy!: Date;

  /** The calendar day of its payment in TIME_ZONE (YYYY-MM-DD), under which its sales count. */
  @Property({ type: 'date', nullable: true })
  paidOn!: string | null;

  /** The status at the instant `now`: one that was not paid in time is CANCELLED, swept or not. */
  statusAt(now: Date): OrderStatus {
    return this.storedStatus === 'PLACED' && this.payBy <= now ? 'CANCELLED' : this.storedStatus;
  }

  /** @param day of the payment, YYYY-MM-DD. @throws Error unless it is PLACED */
  pay(day: string): void {
    this.become('PAID', 'PLACED');
    this.paidOn = day;
  }

  /** Its stock and coupon go back: to be called with `Product.giveBack` of each line. @throws Error unless it is PLACED */
  cancel(): void {
    this.become('CANCELLED', 'PLACED');
  }

  /** Its payment is cancelled. @throws Error unless it is PAID */
  refund(): void {
    this.become('PAYMENT_CANCELLED', 'PAID');
  }

  private become(status: OrderStatus, from: OrderStatus): void {
    if (this.storedStatus !== from) throw new Error(`a ${this.storedStatus} order cannot become ${status}`);
    this.storedStatus = status;
    this.status = status;
  }
}

/** The status that the clock gives, in SQL. */
function statusNow(status: string, payBy: string): string {
  return `case when ${status} = 'PLACED' and ${payBy} <= clock_timestamp() then 'CANCELLED' else ${status} end`;
}

/** Writes the statuses of orders that are locked. @throws Error when one is not as it was read */
export async function writeOrders(
  em: EntityManager,
  orders: readonly { readonly before: Order; readonly after: Order }[],
): Promise<void> {
  const written = await sql(
    em,
    prepared(`update shop_order o set status = u.after, paid_on = u.paid_on
     from unnest($1::uuid[], $2::text[], $3::text[], $4::date[]) as u (id, before, after, paid_on)
     where o.id = u.id and o.status = u.before returning o.id`),
    [
      orders.map(({ before }) => before.id),
      orders.map(({ before }) => before.storedStatus),
      orders.map(({ after }) => after.storedStatus),
      orders.map(({ after }) => after.paidOn),
    ],
  );
  if (written.length < orders.length) throw new Error('orders were not as they were read');
}

export const OrderConnection = connectionOf('Order', Order);

/** Columns of an Order over `shop_order o`: one that was not paid in time is CANCELLED, swept or not. */
export const ORDER_COLUMNS = `
  o.id, o.user_id as "userId", o.issued_coupon_id as "issuedCouponId",
  o.status as "storedStatus", ${statusNow('o.status', 'o.pay_by')} as status,
  o.subtotal::float8 as subtotal, o.discount::float8 as discount, o.total::float8 as total,
  (extract(epoch from o.created_at) * 1000)::float8 as "createdAt",
  (extract(epoch from o.pay_by) * 1000)::float8 as "payBy"`;

/** A row of `ORDER_COLUMNS`. */
export interface OrderRow extends Omit<Order, 'createdAt' | 'payBy'> {
  readonly createdAt: number;
  readonly payBy: number;
}

export function toOrder(row: OrderRow): Order {
  return Object.assign(new Order(), row, { createdAt: new Date(row.createdAt), payBy: new Date(row.payBy) });
}
