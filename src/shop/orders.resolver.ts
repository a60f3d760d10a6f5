import { Arg, Args, Ctx, Extensions, FieldResolver, ID, Int, Mutation, Query, Resolver, Root } from 'type-graphql';
import { type Connection, PageArgs } from '../api/connection.ts';
import { type Context, callerOf, load } from '../api/context.ts';
import { Money } from '../api/scalars.ts';
import { IssuedCoupon } from '../coupons/coupon.ts';
import { issuedCouponsById } from '../coupons/read-coupons.ts';
import { Payment } from '../payments/payment.ts';
import { paymentsOfOrders } from '../payments/read-payments.ts';
import { CancelOrderResult, cancelOrder } from './cancel-order.ts';
import { Order, OrderConnection, OrderLine, OrderStatus, type Returned } from './order.ts';
import { PlaceOrderInput, PlaceOrderResult, placeOrder } from './place-order.ts';
import { Product } from './product.ts';
import { lineKey, linesOfOrders, readOrder, readOrders, returnedOfLines } from './read-orders.ts';
import { productsById } from './read-products.ts';

@Resolver(() => Order)
export class OrdersResolver {
  @FieldResolver(() => [OrderLine], { description: 'Its lines, in the order of the request' })
  async lines(@Root() order: Order, @Ctx() context: Context): Promise<OrderLine[]> {
    const lines = order.lines ?? (await load(context, linesOfOrders, order.id));
    for (const line of lines) line.orderStatus = order.status;
    return lines;
  }

  @FieldResolver(() => IssuedCoupon, {
    nullable: true,
    description: 'The coupon that it uses, which is given back when the order is cancelled; null for none',
  })
  coupon(@Root() order: Order, @Ctx() context: Context): Promise<IssuedCoupon> | null {
    return order.issuedCouponId === null ? null : load(context, issuedCouponsById, order.issuedCouponId);
  }

  @FieldResolver(() => Payment, {
    nullable: true,
    description: 'The payment that is COMPLETED or CANCELLED; null for none',
  })
  payment(@Root() order: Order, @Ctx() context: Context): Promise<Payment | null> | null {
    const wasPaid = order.status === 'PAID' || order.status === 'PAYMENT_CANCELLED';
    return wasPaid ? load(context, paymentsOfOrders, order.id) : null;
  }

  @Query(() => Order, {
    nullable: true,
    description: "An order of the caller; null for an id that is unknown or another user's",
  })
  order(
    @Arg('id', () => ID, { description: 'Id of the order' }) id: string,
    @Ctx() context: Context,
  ): Promise<Order | null> {
    return readOrder(context, id);
  }

  @Query(() => OrderConnection, { description: 'Orders of the caller, newest first' })
  orders(@Args(() => PageArgs) args: PageArgs, @Ctx() context: Context): Promise<Connection<Order>> {
    return readOrders(context, callerOf(context).id, args);
  }

  @Extensions({ rates: ['orders'] })
  @Mutation(() => PlaceOrderResult, {
    description: `Places an order: takes the pieces of all lines and the coupon, or nothing, and fixes the prices. Answers the Order,
PLACED. Refused: \`WITHDRAWN\`, \`ORDER_LIMIT\`, \`INSUFFICIENT_STOCK\`, \`COUPON_NOT_USABLE\`, \`IDEMPOTENCY_CONFLICT\`.
Errors: \`NOT_FOUND\` for an unknown product, and a coupon that is unknown or another user's; \`BAD_USER_INPUT\` for input
out of its bounds. The key replays, refusals too, and is kept for 24 hours`,
  })
  placeOrder(
    @Arg('input', () => PlaceOrderInput, { description: 'What is ordered' }) input: PlaceOrderInput,
    @Ctx() context: Context,
  ) {
    return placeOrder(context, input);
  }

  @Extensions({ rates: ['orders'] })
  @Mutation(() => CancelOrderResult, {
    description: `Cancels the caller's order, and gives its pieces and its coupon back. Answers the Order, CANCELLED; one that is
CANCELLED already as it is, so that it needs no key. Refused: \`NOT_CANCELLABLE\` when it is PAID or PAYMENT_CANCELLED.
Error: \`NOT_FOUND\` for an id that is unknown or another user's`,
  })
  cancelOrder(@Arg('id', () => ID, { description: 'Id of the order' }) id: string, @Ctx() context: Context) {
    return cancelOrder(context, id);
  }
}

@Resolver(() => OrderLine)
export class OrderLineResolver {
  @FieldResolver(() => Product, { description: 'The product' })
  product(@Root() line: OrderLine, @Ctx() context: Context): Promise<Product | null> {
    return load(context, productsById, line.productId);
  }

  @FieldResolver(() => Int, { description: 'How many of its pieces were given back' })
  async returned(@Root() line: OrderLine, @Ctx() context: Context): Promise<number> {
    return (await returnedOf(line, context)).quantity;
  }

  @FieldResolver(() => Money, { description: 'How much was given back for its pieces' })
  async refunded(@Root() line: OrderLine, @Ctx() context: Context): Promise<number> {
    return (await returnedOf(line, context)).amount;
  }

  @FieldResolver(() => OrderStatus, {
    description: 'PAYMENT_CANCELLED once all of its pieces were given back; else that of the order',
  })
  async status(@Root() line: OrderLine, @Ctx() context: Context): Promise<OrderStatus> {
    const { orderStatus } = line;
    if (orderStatus === undefined) throw new Error('a line is read with its order');
    if (orderStatus !== 'PAID') return orderStatus;
    return (await returnedOf(line, context)).quantity === line.quantity ? 'PAYMENT_CANCELLED' : orderStatus;
  }
}

function returnedOf({ orderId, lineNo }: OrderLine, context: Context): Promise<Returned> {
  return load(context, returnedOfLines, lineKey(orderId, lineNo));
}
