import { type Context, callerOf } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { notFound, type Refusal, refuse } from '../api/problems.ts';
import { lockOrders } from '../legacy/lock-order.ts';
import { transact } from '../platform/transact.ts';
import { endOrders } from './end-orders.ts';
import type { Order } from './order.ts';
import { findOrder } from './read-orders.ts';

/**
 * Gives stock and coupon back. One that was cancelled, or not paid in time, is answered as it is.
 * @returns the Order; NOT_CANCELLABLE when it was paid for
 * @throws CallerError NOT_FOUND for an unknown or another user's order
 */
export function cancelOrder(context: Context, idText: string): Promise<Order | Refusal> {
  const id = idOf('id', idText);
  const caller = callerOf(context);
  return transact(context.em, async (em) => {
    await lockOrders(em, [id]);
    const order = await findOrder(em, id);
    if (order?.userId !== caller.id) throw notFound('order');
    if (order.status === 'PAID' || order.status === 'PAYMENT_CANCELLED') return refuse('NOT_CANCELLABLE');
    await endOrders(em, [id]);
    return Object.assign(order, { status: 'CANCELLED' });
  });
}
