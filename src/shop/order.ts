import { BigIntType, type EntityManager, type OptionalProps } from '@mikro-orm/core';
import { Entity, Formula, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { connectionOf } from '../api/connection.ts';
import { Problem, sentenceOf } from '../api/problems.ts';
import { DateTime, Money } from '../api/scalars.ts';
import type { EventData, EventsOf, NewEvent } from '../commands/event-types.ts';
import { prepared, sql } from '../platform/postgres.ts';
import { MINUTE } from '../platform/units.ts';

export const OrderStatus = {
  PLACED: 'PLACED',
  CANCELLED: 'CANCELLED',
  PAID: 'PAID',
  PAYMENT_CANCELLED: 'PAYMENT_CANCELLED',
} as const;
export type OrderStatus = keyof typeof OrderStatus;
registerEnumType(OrderStatus, {
  name: 'OrderStatus',
  description: 'Where an order stands',
  valuesConfig: {
    PLACED: { description: 'Its pieces are taken from the stock; it is to be paid until `payBy`' },
    CANCELLED: {
      description: 'The buyer cancelled it, or it was not paid until `payBy`: pieces and coupon were given back',
    },
    PAID: { description: 'It was paid for' },
    PAYMENT_CANCELLED: { description: 'It was paid for, then all of it was given back: money, pieces and coupon' },
  },
});

/** A row of `order_line`: PostgreSQL refuses to change or delete it. */
@ObjectType({ description: 'One line of an order: pieces of one product' })
@Entity({ tableName: 'order_line' })
export class OrderLine {
  @PrimaryKey({ type: 'uuid' })
  orderId!: string;

  @Field(() => Int, { description: 'Number of the line in the order, from 1' })
  @PrimaryKey({ type: 'integer' })
  lineNo!: number;

  @Property({ type: 'uuid' })
  productId!: string;

  @Field(() => Int, { description: 'How many pieces were ordered' })
  @Property({ type: 'integer' })
  quantity!: number;

  @Field(() => Money, { description: 'Price of one piece, fixed when the order was placed' })
  @Property({ type: new BigIntType('number') })
  unitPrice!: number;

  @Field(() => Money, { description: 'Its share of the discount of the order, fixed when the order was placed' })
  @Property({ type: new BigIntType('number') })
  discount!: number;

  /** Status of the order that it was read with. */
  orderStatus?: OrderStatus;

  @Field(() => Money, { description: '`quantity` x `unitPrice`, before its share of the discount' })
  get amount(): number {
    return this.quantity * this.unitPrice;
  }

  /** What is paid for it, in minor units. */
  get paid(): number {
    return this.amount - this.discount;
  }

  /**
   * What is given back for some of its pieces: their part of what was paid, rounded down; for the last pieces, the rest.
   * @param quantity in pieces, at most as many as are left
   * @param returned what was given back before
   * @returns minor units
   */
  refundOf(quantity: number, returned: Returned): number {
    if (returned.quantity + quantity === this.quantity) return this.paid - returned.amount;
    return Math.floor((this.paid * quantity) / this.quantity);
  }
}

/** What was given back of a line. */
export interface Returned {
  /** In pieces. */
  readonly quantity: number;
  /** In minor units. */
  readonly amount: number;
}

/** Pieces of a product at their price before any discount. */
export interface Pieces {
  readonly productId: string;
  readonly quantity: number;
  /** Of all of them, in minor units. */
  readonly amount: number;
}

/** A row of `sale_change`: what a payment sold of a product, or a refund takes back, until it is added to `sale`. */
@Entity({ tableName: 'sale_change' })
export class SaleChange {
  declare [OptionalProps]?: 'id';

  @PrimaryKey({ type: new BigIntType('number'), autoincrement: true })
  id!: number;

  /** The calendar day of the payment in TIME_ZONE (YYYY-MM-DD). */
  @Property({ type: 'date' })
  day!: string;

  @Property({ type: 'uuid' })
  productId!: string;

  /** In pieces; below 0 for a refund. */
  @Property({ type: new BigIntType('number') })
  quantity!: number;

  /** In minor units; below 0 for a refund. */
  @Property({ type: new BigIntType('number') })
  revenue!: number;
}

/** The argument of `Order.place`. */
export interface Placement {
  readonly id: string;
  readonly userId: string;
  /** Their shares of the discount are set. */
  readonly lines: OrderLine[];
  /** A note of the buyer. */
  readonly memo: string;
  readonly issuedCouponId: string | null;
  /** In minor units, at most the sum of the lines. */
  readonly discount: number;
  /** The instant of placing, by PostgreSQL's clock. */
  readonly at: Date;
  /** Minutes within which it must be paid. */
  readonly minutes: number;
}

/** A row of `shop_order`. */
@ObjectType({ description: 'Pieces of products that a user orders together' })
@Entity({ tableName: 'shop_order' })
export class Order {
  @Field(() => ID, { description: 'Id of the order' })
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Property({ type: 'uuid' })
  userId!: string;

  @Property({ type: 'uuid', nullable: true })
  issuedCouponId!: string | null;

  /** The lines; known only of an order that was just placed. */
  lines?: OrderLine[];

  /** The status as stored: an overdue order is PLACED here until the row is written again. */
  @Property({ type: 'text', fieldName: 'status' })
  storedStatus!: OrderStatus;

  @Field(() => OrderStatus, {
    description: 'Where it stands now; an order that was not paid in time is CANCELLED at once',
  })
  @Formula((columns) => statusNow(columns.storedStatus, columns.payBy), { fieldName: 'status_now' })
  status!: OrderStatus;

  @Field(() => Money, { description: 'Sum of the lines before any discount' })
  @Property({ type: new BigIntType('number') })
  subtotal!: number;

  @Field(() => Money, { description: 'What the coupon takes off; 0 without one' })
  @Property({ type: new BigIntType('number') })
  discount!: number;

  @Field(() => Money, { description: '`subtotal` less `discount`: what is to be paid' })
  @Property({ type: new BigIntType('number') })
  total!: number;

  @Field(() => String, { description: 'A note of the buyer; empty for none' })
  @Property({ type: 'text' })
  memo!: string;

  @Field(() => DateTime, { description: 'When it was placed' })
  @Property({ type: 'datetime', columnType: 'timestamptz' })
  createdAt!: Date;

  @Field(() => DateTime, { description: 'Until when it must be paid' })
  @Property({ type: 'datetime', columnType: 'timestamptz' })
  payBy!: Date;

  /** The calendar day of its payment in TIME_ZONE (YYYY-MM-DD), to which its sales are added; null while unpaid. */
  @Property({ type: 'date', nullable: true })
  paidOn!: string | null;

  /**
   * Makes a new order, PLACED. The caller takes the pieces of its lines from the products, then inserts it with its
   * lines.
   * @throws RangeError for a discount that is more than the sum of the lines
   */
  static place({ id, userId, lines, memo, issuedCouponId, discount, at, minutes }: Placement): Order {
    const subtotal = subtotalOf(lines);
    if (discount > subtotal) throw new RangeError('an order never costs less than 0');
    allocate(discount, subtotal, lines);
    return Object.assign(new Order(), {
      ...{ id, userId, lines, memo, issuedCouponId, subtotal, discount, total: subtotal - discount },
      storedStatus: 'PLACED' as const,
      status: 'PLACED' as const,
      createdAt: at,
      payBy: new Date(at.getTime() + minutes * MINUTE),
      paidOn: null,
    });
  }

  /** The status at the instant `now`: an overdue order is CANCELLED, whether or not the sweep has cancelled it. */
  statusAt(now: Date): OrderStatus {
    return this.storedStatus === 'PLACED' && this.payBy <= now ? 'CANCELLED' : this.storedStatus;
  }

  /**
   * Makes it PAID.
   * @param day of the payment in TIME_ZONE, YYYY-MM-DD
   * @param lines all of its lines
   * @returns the changes of its sales; the caller inserts them
   * @throws Error unless it is PLACED
   */
  pay(day: string, lines: readonly OrderLine[]): SaleChange[] {
    this.become('PAID', 'PLACED');
    this.paidOn = day;
    return changesOf(day, lines, 1);
  }

  /**
   * Makes it CANCELLED; its coupon is free again. Call `Product.giveBack` for each line too.
   * @throws Error unless it is PLACED
   */
  cancel(): void {
    this.become('CANCELLED', 'PLACED');
  }

  /**
   * Takes the sales of some of its pieces back. Call `Product.giveBack` for them too.
   * @returns the changes of sales, on the day of its payment; the caller inserts them
   * @throws Error unless it is PAID
   */
  giveBack(pieces: readonly Pieces[]): SaleChange[] {
    if (this.storedStatus !== 'PAID' || this.paidOn === null) throw new Error('only of a PAID order pieces come back');
    return changesOf(this.paidOn, pieces, -1);
  }

  /** Makes it PAYMENT_CANCELLED: all of its pieces came back; its coupon is free again. @throws Error unless it is PAID */
  refund(): void {
    this.become('PAYMENT_CANCELLED', 'PAID');
  }

  private become(status: OrderStatus, from: OrderStatus): void {
    if (this.storedStatus !== from) throw new Error(`a ${this.storedStatus} order cannot become ${status}`);
    this.storedStatus = status;
    this.status = status;
  }
}

/**
 * Allocates a discount to lines in proportion to their amounts, by the largest remainder: each line gets its exact share
 * rounded down, and what is left over goes in single minor units to the lines with the largest remainders, earlier lines
 * first among equals.
 */
function allocate(discount: number, subtotal: number, lines: readonly OrderLine[]): void {
  const shares = lines.map((line) => {
    // More than 2^53 at the highest prices.
    const exact = BigInt(discount) * BigInt(line.amount);
    const divisor = BigInt(Math.max(1, subtotal));
    return { line, whole: Number(exact / divisor), remainder: exact % divisor };
  });
  let left = discount - shares.reduce((sum, { whole }) => sum + whole, 0);
  for (const { line, whole } of shares.toSorted((a, b) => Number(b.remainder - a.remainder))) {
    line.discount = whole + (left > 0 ? 1 : 0);
    if (left > 0) left--;
  }
}

/** The sum of the lines before any discount, in minor units. */
export function subtotalOf(lines: readonly Pick<Pieces, 'amount'>[]): number {
  return lines.reduce((sum, { amount }) => sum + amount, 0);
}

/** Pieces by product id, summed over the lines, in the order of the lines. */
export function piecesOf(
  lines: readonly { readonly productId: string; readonly quantity: number }[],
): Map<string, number> {
  const pieces = new Map<string, number>();
  for (const { productId, quantity } of lines) pieces.set(productId, (pieces.get(productId) ?? 0) + quantity);
  return pieces;
}

function changesOf(day: string, pieces: readonly Pieces[], sign: 1 | -1): SaleChange[] {
  return [...Map.groupBy(pieces, ({ productId }) => productId)].map(([productId, some]) => {
    const quantity = sign * some.reduce((sum, { quantity }) => sum + quantity, 0);
    return Object.assign(new SaleChange(), { day, productId, quantity, revenue: sign * subtotalOf(some) });
  });
}

/** SQL for the status now: CANCELLED for an overdue order, else the stored one. */
function statusNow(status: string, payBy: string): string {
  return `case when ${status} = 'PLACED' and ${payBy} <= clock_timestamp() then 'CANCELLED' else ${status} end`;
}

/**
 * Inserts the lines of new orders in one statement: a batch has hundreds, which MikroORM would add to its query one by
 * one.
 */
export async function insertLines(em: EntityManager, lines: readonly OrderLine[]): Promise<void> {
  await sql(
    em,
    prepared(`insert into order_line (order_id, line_no, product_id, quantity, unit_price, discount)
     select * from unnest($1::uuid[], $2::int[], $3::uuid[], $4::int[], $5::bigint[], $6::bigint[])`),
    [
      lines.map(({ orderId }) => orderId),
      lines.map(({ lineNo }) => lineNo),
      lines.map(({ productId }) => productId),
      lines.map(({ quantity }) => quantity),
      lines.map(({ unitPrice }) => unitPrice),
      lines.map(({ discount }) => discount),
    ],
  );
}

/** Writes the statuses of locked orders. @throws Error when a row is no longer as it was read */
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

export const OrderLimitKind = {
  UNPAID_ORDERS: 'UNPAID_ORDERS',
  UNPAID_PIECES: 'UNPAID_PIECES',
  PIECES_OF_PRODUCT: 'PIECES_OF_PRODUCT',
} as const;
export type OrderLimitKind = keyof typeof OrderLimitKind;
registerEnumType(OrderLimitKind, {
  name: 'OrderLimitKind',
  description: 'What is counted for each user',
  valuesConfig: {
    UNPAID_ORDERS: { description: 'Orders that are PLACED' },
    UNPAID_PIECES: { description: 'Pieces in orders that are PLACED' },
    PIECES_OF_PRODUCT: {
      description: 'Pieces of one product in orders that are PLACED or PAID, without those that were given back',
    },
  },
});

@ObjectType({ description: 'A limit for each user that an order would have gone beyond' })
export class ReachedOrderLimit {
  @Field(() => OrderLimitKind, { description: 'What is counted' })
  kind!: OrderLimitKind;

  @Field(() => ID, { nullable: true, description: 'The product whose maxPerUser it is; null for the other limits' })
  productId!: string | null;

  @Field(() => Int, { description: 'The most that one user may have' })
  limit!: number;

  @Field(() => Int, { description: 'What the user has already' })
  has!: number;

  @Field(() => Int, { description: 'What the order adds' })
  requested!: number;
}

@ObjectType({
  implements: Problem,
  description: '`ORDER_LIMIT`: the order goes beyond limits for each user; nothing was ordered',
})
export class OrderLimit extends Problem {
  @Field(() => [ReachedOrderLimit], { description: 'Every limit that the order goes beyond' })
  limits!: ReachedOrderLimit[];
}

export function orderLimit(limits: ReachedOrderLimit[]): OrderLimit {
  return Object.assign(new OrderLimit(), sentenceOf('ORDER_LIMIT'), { limits });
}

export const OrderConnection = connectionOf('Order', Order);

/** The events of an order: it is new and PLACED, was PAID, was cancelled, or was not paid in time. */
export const eventsOfOrder: EventsOf<Order> = ({ before, after }, { now }) => {
  const { id, userId, subtotal, discount, total, issuedCouponId, payBy, lines = [], storedStatus } = after;
  const data = { orderId: id, userId, total };
  if (!before) {
    const placed = {
      ...{ ...data, subtotal, discount, issuedCouponId, payBy: payBy.toISOString() },
      lines: lines.map(({ productId, quantity, unitPrice }) => ({ productId, quantity, unitPrice })),
    };
    return [{ type: 'order.placed.v1', aggregate: id, data: placed }];
  }
  if (before.storedStatus === storedStatus) return [];
  if (storedStatus === 'PAID') return [{ type: 'order.paid.v1', aggregate: id, data }];
  if (storedStatus !== 'CANCELLED') return [];
  return payBy <= now ? [orderLapsed(data)] : [{ type: 'order.cancelled.v1', aggregate: id, data }];
};

/** The event of an order that was not paid in time. */
export function orderLapsed(data: EventData<'order.lapsed.v1'>): NewEvent {
  return { type: 'order.lapsed.v1', aggregate: data.orderId, data };
}
