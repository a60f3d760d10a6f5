import { createUnionType } from 'type-graphql';
import { type Context, callerOf } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { notFound, Refusal, refuse } from '../api/problems.ts';
import { ORDERS, PRODUCTS, rowsOf } from '../commands/lock-order.ts';
import { run, type Verb } from '../commands/runner.ts';
import { forkOf } from '../platform/platform.ts';
import { Order, type OrderLine } from './order.ts';
import { findLines } from './read-orders.ts';

export const CancelOrderResult = createUnionType({
  name: 'CancelOrderResult',
  description: 'The Order, or a Refusal `NOT_CANCELLABLE`',
  types: () => [Order, Refusal] as const,
});

interface CancelOrder {
  readonly id: string;
  readonly userId: string;
}

const CANCEL_ORDER: Verb<CancelOrder, Order | Refusal, readonly OrderLine[]> = {
  name: 'cancelOrder',
  contends: ({ id }) => [`order:${id}`],

  /** Reads the user and the lines of the orders, which never change. */
  async prepare(platform, asked) {
    const em = forkOf(platform);
    const ids = asked.map(({ id }) => id);
    const orders = await em.find(Order, { id: { $in: ids } }, { disableIdentityMap: true });
    const owners = new Map(orders.map(({ id, userId }) => [id, userId]));
    const lines = await findLines(em, ids);
    return asked.map(({ id, userId }) =>
      owners.get(id) === userId ? { known: lines.get(id) ?? [] } : { error: notFound('order') },
    );
  },

  locks: ({ id }, lines) => ({
    rows: [
      rowsOf(ORDERS, [id]),
      rowsOf(
        PRODUCTS,
        lines.map(({ productId }) => productId),
      ),
    ],
  }),

  decide({ asked: { id }, known: lines }, scene) {
    const order = scene.get(ORDERS, id);
    const { storedStatus } = order;
    if (storedStatus === 'PAID' || storedStatus === 'PAYMENT_CANCELLED') return refuse('NOT_CANCELLABLE');
    if (storedStatus === 'PLACED') {
      order.cancel();
      for (const { productId, quantity } of lines) scene.find(PRODUCTS, productId)?.giveBack(quantity);
    }
    return order;
  },
};

/**
 * Cancels the caller's order and gives its stock and coupon back. An order that was cancelled, or not paid in time,
 * stays as it is.
 * @returns the Order; a Refusal NOT_CANCELLABLE when it was paid for
 * @throws CallerError NOT_FOUND for an unknown or another user's order
 */
export async function cancelOrder(context: Context, id: string): Promise<Order | Refusal> {
  return run(context, CANCEL_ORDER, { id: idOf('id', id), userId: callerOf(context).id });
}
