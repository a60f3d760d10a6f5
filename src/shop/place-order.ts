import type { EntityManager } from '@mikro-orm/core';
import { Field, ID, InputType, Int } from 'type-graphql';
import { type Context, callerOf, isOver } from '../context.ts';
import { takeCoupon } from '../coupons/take-coupon.ts';
import { idempotencyKeyOf, idOf, within } from '../input.ts';
import { type LockedProduct, lockProducts } from '../lock-order.ts';
import { once } from '../once.ts';
import { AtMost } from '../platform/at-most.ts';
import type { KeptAnswer } from '../platform/idempotency.ts';
import { newId } from '../platform/ids.ts';
import { perProcess } from '../platform/platform.ts';
import { POOL_SIZE } from '../platform/postgres.ts';
import { transact } from '../platform/transact.ts';
import { badInput, CallerError, keptRefusal, notFound, Refusal, restoreRefusal } from '../problems.ts';
import { insertOrder, type PricedLine } from './insert-order.ts';
import { cancelOverdue } from './lapse-orders.job.ts';
import type { Order } from './order.ts';
import { findOrder } from './read-orders.ts';
import { InsufficientStock, insufficientStock, type StockRefusal, type StockShortage } from './shop-problems.ts';

@InputType({ description: 'quantity: 1 .. 100; lines of one product are summed before stock is checked' })
export class OrderLineInput {
  @Field(() => ID)
  productId!: string;

  @Field(() => Int)
  quantity!: number;
}

@InputType({ description: '1 .. 50 lines' })
export class PlaceOrderInput {
  @Field(() => [OrderLineInput])
  lines!: OrderLineInput[];

  @Field(() => ID, { nullable: true })
  issuedCouponId?: string | null;

  @Field(() => ID)
  idempotencyKey!: string;
}

interface Wish {
  readonly userId: string;
  readonly lines: readonly OrderLineInput[];
  readonly issuedCouponId: string | null;
}

/** A crowd that waits for one product's lock leaves connections to others. */
const counters = perProcess(() => new AtMost(POOL_SIZE / 2));

const MOST_LINES = 50;
const MOST_QUANTITY = 100;

/**
 * Takes the stock of all lines and the coupon, or nothing; prices are fixed. Once for each key.
 * @returns the Order, PLACED; InsufficientStock with every shortage; COUPON_NOT_USABLE; IDEMPOTENCY_CONFLICT
 * @throws CallerError NOT_FOUND for an unknown product, and for an unknown or another user's coupon; BAD_USER_INPUT
 */
export async function placeOrder(context: Context, input: PlaceOrderInput): Promise<Order | StockRefusal> {
  const wish = wishOf(context, input);
  const { userId, ...asked } = wish;
  const key = { userId, mutation: 'placeOrder', key: idempotencyKeyOf(input.idempotencyKey), input: asked };
  const orderId = newId();
  return counters(context.platform).run(async () => {
    if (isOver(context)) throw new CallerError('SERVICE_UNAVAILABLE');
    // What others did not pay for in time is for sale, whether or not the sweep has come by.
    await cancelOverdue(context.platform);
    return transact(context.em, (em) =>
      once<Order | StockRefusal>(em, {
        key,
        presumed: { type: 'Order', id: orderId },
        apply: async () => {
          const placed = await place(em, context, orderId, wish);
          return 'code' in placed ? { answer: placed, keep: keptRefusal(placed) } : { answer: placed };
        },
        replay: (kept) => replay(em, kept),
      }),
    );
  });
}

function wishOf(context: Context, { lines, issuedCouponId }: PlaceOrderInput): Wish {
  if (lines.length < 1 || lines.length > MOST_LINES) throw badInput(`lines must be from 1 to ${MOST_LINES}.`);
  return {
    userId: callerOf(context).id,
    lines: lines.map(({ productId, quantity }) => ({
      productId: idOf('productId', productId),
      quantity: within('quantity', quantity, 1, MOST_QUANTITY),
    })),
    issuedCouponId: typeof issuedCouponId === 'string' ? idOf('issuedCouponId', issuedCouponId) : null,
  };
}

async function place(em: EntityManager, context: Context, id: string, wish: Wish): Promise<Order | StockRefusal> {
  const { userId, lines, issuedCouponId } = wish;
  const products = await lockProducts(em, [...new Set(lines.map(({ productId }) => productId))]);
  const priced = lines.map((line) => pricedLine(line, products));
  const shortages = shortagesOf(lines, products);
  if (shortages.length > 0) return insufficientStock(shortages);
  const subtotal = priced.reduce((sum, { quantity, unitPrice }) => sum + quantity * unitPrice, 0);
  const discount = issuedCouponId === null ? 0 : await takeCoupon(em, userId, issuedCouponId, subtotal);
  if (discount instanceof Refusal) return discount;
  const minutes = context.platform.config.ORDER_MINUTES;
  return insertOrder(em, { id, userId, issuedCouponId, subtotal, discount, minutes, lines: priced });
}

function pricedLine(line: OrderLineInput, products: ReadonlyMap<string, LockedProduct>): PricedLine {
  const product = products.get(line.productId);
  if (!product) throw notFound('product');
  return { ...line, unitPrice: product.price };
}

function shortagesOf(lines: readonly OrderLineInput[], products: ReadonlyMap<string, LockedProduct>): StockShortage[] {
  const byProduct = Map.groupBy(lines, ({ productId }) => productId);
  return [...byProduct].flatMap(([productId, same]) => {
    const requested = same.reduce((sum, { quantity }) => sum + quantity, 0);
    const available = products.get(productId)?.stock ?? Number.POSITIVE_INFINITY;
    return requested > available ? [{ productId, requested, available }] : [];
  });
}

async function replay(em: EntityManager, kept: KeptAnswer): Promise<Order | StockRefusal> {
  if (kept.id === undefined) return restoreRefusal<StockRefusal>(kept, { InsufficientStock });
  const order = await findOrder(em, kept.id);
  if (!order) throw notFound('order');
  return order;
}
