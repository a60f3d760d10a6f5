import { BigIntType, type EntityManager, type OptionalProps } from '@mikro-orm/core';
import { Entity, Formula, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { connectionOf } from '../api/connection.ts';
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
  readonly lines: OrderLine[];
  readonly issuedCouponId: string | null;
  /** In minor units, at most the sum of the lines. */
  readonly discount: number;
  /** The instant of placing, by PostgreSQL's clock. */
  readonly at: Date;
  /** Minutes within which it must be paid. */
  readonly minutes: number;
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

  /** The lines; known only of an order that was just placed. */
  lines?: OrderLine[];

  /** The status as stored: an overdue order is PLACED here until the row is written again. */
  @Property({ type: 'text', fieldName: 'status' })
  storedStatus!: OrderStatus;

  @Field(() => OrderStatus)
  @Formula((columns) => statusNow(columns.storedStatus, columns.payBy), { fieldName: 'status_now' })
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

  /** The calendar day of its payment in TIME_ZONE (YYYY-MM-DD), to which its sales are added; null while unpaid. */
  @Property({ type: 'date', nullable: true })
  paidOn!: string | null;

  /**
   * Makes a new order, PLACED. The caller takes the pieces of its lines from the products, then inserts it with its
   * lines.
   * @throws RangeError for a discount that is more than the sum of the lines
   */
  static place({ id, userId, lines, issuedCouponId, discount, at, minutes }: Placement): Order {
    const subtotal = subtotalOf(lines);
    if (discount > subtotal) throw new RangeError('an order never costs less than 0');
    return Object.assign(new Order(), {
      ...{ id, userId, lines, issuedCouponId, subtotal, discount, total: subtotal - discount },
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
   * Makes it PAYMENT_CANCELLED. Call `Product.giveBack` for each line too.
   * @param lines all of its lines
   * @returns the changes that take its sales back, on the day of its payment; the caller inserts them
   * @throws Error unless it is PAID
   */
  refund(lines: readonly OrderLine[]): SaleChange[] {
    this.become('PAYMENT_CANCELLED', 'PAID');
    if (this.paidOn === null) throw new Error('a paid order has the day of its payment');
    return changesOf(this.paidOn, lines, -1);
  }

  private become(status: OrderStatus, from: OrderStatus): void {
    if (this.storedStatus !== from) throw new Error(`a ${this.storedStatus} order cannot become ${status}`);
    this.storedStatus = status;
    this.status = status;
  }
}

/** The sum of the lines before any discount, in minor units. */
export function subtotalOf(lines: readonly OrderLine[]): number {
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

function changesOf(day: string, lines: readonly OrderLine[], sign: 1 | -1): SaleChange[] {
  return [...Map.groupBy(lines, ({ productId }) => productId)].map(([productId, some]) => {
    const quantity = sign * some.reduce((sum, line) => sum + line.quantity, 0);
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
    prepared(`insert into order_line (order_id, line_no, product_id, quantity, unit_price)
     select * from unnest($1::uuid[], $2::int[], $3::uuid[], $4::int[], $5::bigint[])`),
    [
      lines.map(({ orderId }) => orderId),
      lines.map(({ lineNo }) => lineNo),
      lines.map(({ productId }) => productId),
      lines.map(({ quantity }) => quantity),
      lines.map(({ unitPrice }) => unitPrice),
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
