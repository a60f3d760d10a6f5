import { type Connection, idKey, type PageArgs, pageOf, readNewestFirst } from '../api/connection.ts';
import type { Batch, Context } from '../api/context.ts';
import { Payment } from './payment.ts';
import { Refund, RefundLine } from './refund.ts';

/** Reads a page of a user's payments, FAILED ones included, newest first. */
export async function readPayments({ em }: Context, userId: string, args: PageArgs): Promise<Connection<Payment>> {
  return readNewestFirst(em, Payment, { userId }, pageOf('payment', args, idKey), 'id');
}

export const paymentsById: Batch<Payment> = async ({ em }, ids) => {
  const payments = new Map((await em.find(Payment, { id: { $in: [...ids] } })).map((payment) => [payment.id, payment]));
  return ids.map((id) => payments.get(id) as Payment);
};

/** Loads the COMPLETED or CANCELLED payment of each reservation, or null. */
export const paymentsOfReservations = paymentsBy('reservationId');

/** Loads the COMPLETED or CANCELLED payment of each order, or null. */
export const paymentsOfOrders = paymentsBy('orderId');

function paymentsBy(payable: 'reservationId' | 'orderId'): Batch<Payment | null> {
  return async ({ em }, ids) => {
    const where = { [payable]: { $in: [...ids] }, status: { $ne: 'FAILED' as const } };
    const payments = await em.find(Payment, where, { orderBy: { id: 'asc' }, refresh: true });
    const byPayable = new Map(payments.map((payment) => [payment[payable], payment]));
    return ids.map((id) => byPayable.get(id) ?? null);
  };
}

/** Loads the refunds of each payment, in the order of time. */
export const refundsOfPayments: Batch<Refund[]> = async ({ em }, ids) => {
  const where = { paymentId: { $in: [...ids] } };
  const refunds = await em.find(Refund, where, { orderBy: { paymentId: 1, seq: 1 }, disableIdentityMap: true });
  const byPayment = Map.groupBy(refunds, ({ paymentId }) => paymentId);
  return ids.map((id) => byPayment.get(id) ?? []);
};

/** Loads the lines of each refund. */
export const linesOfRefunds: Batch<RefundLine[]> = async ({ em }, ids) => {
  const where = { refundId: { $in: [...ids] } };
  const lines = await em.find(RefundLine, where, { orderBy: { refundId: 1, lineNo: 1 }, disableIdentityMap: true });
  const byRefund = Map.groupBy(lines, ({ refundId }) => refundId);
  return ids.map((id) => byRefund.get(id) ?? []);
};
