import { callerOf } from '../api/context.ts';
import { notFound, refuse } from '../api/problems.ts';
import { sqlRow } from '../platform/postgres.ts';
import { forgetBestSellers } from '../shop/best-sellers.ts';
import { endOrders } from '../shop/end-orders.ts';
import { findOrder, ordersById } from '../shop/read-orders.ts';
import { returnOrder } from '../shop/return-order.ts';
import { alreadyPaid } from './pay-problems.ts';
import { nothingToTell, type PayableKind } from './payable-kind.ts';
import { Payment } from './payment.ts';
import { sellOrder } from './sell-order.ts';

/** An order: its stock was taken when it was placed. Paying needs no queue token, cancelling gives stock and coupon back. */
export const ORDER: PayableKind = {
  noun: 'order',
  argument: 'orderId',
  column: 'order_id',
  byId: ordersById,

  // Its stock was taken when it was placed: only what gives it back needs the products, whose locks everybody wants.
  locksToPay: ({ platform }, id) => ({
    orders: [id],
    ...(platform.config.ON_PAYMENT_FAILURE === 'release' && { productsOf: [id] }),
  }),

  locksToCancel: (id) => ({ orders: [id], productsOf: [id] }),

  async judge(em, context, { id, paymentId }) {
    const order = await findOrder(em, id);
    if (order?.userId !== callerOf(context).id) throw notFound('order');
    if (order.status === 'PAID') {
      return alreadyPaid(await em.findOneOrFail(Payment, { orderId: id, status: 'COMPLETED' }));
    }
    if (order.status !== 'PLACED') return refuse('NOT_PAYABLE');
    return {
      amount: order.total,
      failure: undefined,
      settle: async () => ({
        payment: await sellOrder(em, id, paymentId, context.platform.config.TIME_ZONE),
        announce: forgetBestSellers,
      }),
      release: async () => {
        await endOrders(em, [id]);
        return nothingToTell;
      },
    };
  },

  async mayCancel(em, { CANCEL_HOURS }, id) {
    const { isRecent } = await sqlRow<{ isRecent: boolean }>(
      em,
      `select created_at > clock_timestamp() - make_interval(hours => $2) as "isRecent"
       from payment where order_id = $1 and status = 'COMPLETED'`,
      [id, CANCEL_HOURS],
    );
    return isRecent;
  },

  async takeBack(em, id) {
    await returnOrder(em, id);
    return forgetBestSellers;
  },
};
