import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { connectionOf } from '../api/connection.ts';
import { DateTime, Money } from '../api/scalars.ts';

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

@ObjectType()
export class OrderLine {
  @Field(() => Int)
  lineNo!: number;

  productId!: string;

  @Field(() => Int)
  quantity!: number;

  @Field(() => Money, { description: 'Fixed when the order was placed' })
  unitPrice!: number;

  @Field(() => Money)
  amount!: number;
}

/** A row of `shop_order`, with the status that the clock gives it: read by `ORDER_COLUMNS`. */
@ObjectType()
export class Order {
  @Field(() => ID)
  id!: string;

  userId!: string;
  issuedCouponId!: string | null;
  /** Its lines, where they are at hand. */
  takenLines?: OrderLine[];

  @Field(() => OrderStatus)
  status!: OrderStatus;

  @Field(() => Money)
  subtotal!: number;

  @Field(() => Money)
  discount!: number;

  @Field(() => Money)
  total!: number;

  @Field(() => DateTime)
  createdAt!: Date;

  @Field(() => DateTime)
  payBy!: Date;
}

export const OrderConnection = connectionOf('Order', Order);

/** Columns of an Order over `shop_order o`: one that was not paid in time is CANCELLED, swept or not. */
export const ORDER_COLUMNS = `
  o.id, o.user_id as "userId", o.issued_coupon_id as "issuedCouponId",
  case when o.status = 'PLACED' and o.pay_by <= clock_timestamp() then 'CANCELLED' else o.status end as status,
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
