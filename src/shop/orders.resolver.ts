import { Arg, Ctx, Extensions, FieldResolver, ID, Int, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { Connection } from '../api/connection.ts';
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
  @FieldResolver(() => [OrderLine])
  async lines(@Root() order: Order, @Ctx() context: Context): Promise<OrderLine[]> {
    const lines = order.lines ?? (await load(context, linesOfOrders, order.id));
    for (const line of lines) line.orderStatus = order.status;
    return lines;
  }

  @FieldResolver(() => IssuedCoupon, {
    nullable: true,
    description: 'Taken when the order is placed, given back when it is cancelled',
  })
  coupon(@Root() order: Order, @Ctx() context: Context): Promise<IssuedCoupon> | null {
    return order.issuedCouponId === null ? null : load(context, issuedCouponsById, order.issuedCouponId);
  }

  @FieldResolver(() => Payment, { nullable: true, description: 'The COMPLETED or CANCELLED one' })
  payment(@Root() order: Order, @Ctx() context: Context): Promise<Payment | null> | null {
    const wasPaid = order.status === 'PAID' || order.status === 'PAYMENT_CANCELLED';
    return wasPaid ? load(context, paymentsOfOrders, order.id) : null;
  }

  @Query(() => Order, { nullable: true })
  order(@Arg('id', () => ID) id: string, @Ctx() context: Context): Promise<Order | null> {
    return readOrder(context, id);
  }

  @Query(() => OrderConnection)
  orders(
    @Arg('first', () => Int, { defaultValue: 20 }) first: number,
    @Arg('after', () => String, { nullable: true }) after: string | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<Order>> {
    return readOrders(context, callerOf(context).id, first, after);
  }

  @Extensions({ rates: ['orders'] })
  @Mutation(() => PlaceOrderResult)
  placeOrder(@Arg('input', () => PlaceOrderInput) input: PlaceOrderInput, @Ctx() context: Context) {
    return placeOrder(context, input);
  }

  @Extensions({ rates: ['orders'] })
  @Mutation(() => CancelOrderResult, {
    description: 'PLACED becomes CANCELLED; CANCELLED answers itself; PAID or PAYMENT_CANCELLED: NOT_CANCELLABLE',
  })
  cancelOrder(@Arg('id', () => ID) id: string, @Ctx() context: Context) {
    return cancelOrder(context, id);
  }
}

@Resolver(() => OrderLine)
export class OrderLineResolver {
  @FieldResolver(() => Product)
  product(@Root() line: OrderLine, @Ctx() context: Context): Promise<Product | null> {
    return load(context, productsById, line.productId);
  }

  @FieldResolver(() => Int, { description: 'Pieces of it that were given back' })
  async returned(@Root() line: OrderLine, @Ctx() context: Context): Promise<number> {
    return (await returnedOf(line, context)).quantity;
  }

  @FieldResolver(() => Money, { description: 'What was given back for them' })
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
