import type { EntityManager } from '@mikro-orm/core';
import { Field, ID, InputType, Int } from 'type-graphql';
import { type Context, callerOf, isOver } from '../api/context.ts';
import { idempotencyKeyOf, idOf, within } from '../api/input.ts';
import { badInput, keptRefusal, notFound, restoreRefusal } from '../api/problems.ts';
import type { KeptAnswer } from '../legacy/idempotency.ts';
import { newId } from '../platform/ids.ts';
import type { Order } from './order.ts';
import type { Wish } from './order-desk.ts';
import { workOnOrder } from './order-work.ts';
import { findOrder } from './read-orders.ts';
import { InsufficientStock, type StockRefusal } from './shop-problems.ts';

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

const MOST_LINES = 50;
const MOST_QUANTITY = 100;

/**
 * Takes the stock of all lines and the coupon, or nothing; prices are fixed. Once for each key.
 * @returns the Order, PLACED; InsufficientStock with every shortage; COUPON_NOT_USABLE; IDEMPOTENCY_CONFLICT
 * @throws CallerError NOT_FOUND for an unknown product, and for an unknown or another user's coupon; BAD_USER_INPUT
 */
export function placeOrder(context: Context, input: PlaceOrderInput): Promise<Order | StockRefusal> {
  const wish = wishOf(context, input);
  const { id, userId, ...asked } = wish;
  return workOnOrder(context.platform, {
    wish,
    key: { userId, mutation: 'placeOrder', key: idempotencyKeyOf(input.idempotencyKey), input: asked },
    presumed: { type: 'Order', id },
    isOver: () => isOver(context),
    apply: async (_em, desk) => {
      const placed = desk.place(wish);
      return 'code' in placed ? { answer: placed, keep: keptRefusal(placed) } : { answer: placed };
    },
    replay,
  });
}

function wishOf(context: Context, { lines, issuedCouponId }: PlaceOrderInput): Wish {
  if (lines.length < 1 || lines.length > MOST_LINES) throw badInput(`lines must be from 1 to ${MOST_LINES}.`);
  return {
    id: newId(),
    userId: callerOf(context).id,
    lines: lines.map(({ productId, quantity }) => ({
      productId: idOf('productId', productId),
      quantity: within('quantity', quantity, 1, MOST_QUANTITY),
    })),
    issuedCouponId: typeof issuedCouponId === 'string' ? idOf('issuedCouponId', issuedCouponId) : null,
  };
}

async function replay(em: EntityManager, kept: KeptAnswer): Promise<Order | StockRefusal> {
  if (kept.id === undefined) return restoreRefusal<StockRefusal>(kept, { InsufficientStock });
  const order = await findOrder(em, kept.id);
  if (!order) throw notFound('order');
  return order;
}
