import { IsolationLevel } from '@mikro-orm/core';
import { type Context, callerOf } from '../api/context.ts';
import { sql } from '../platform/postgres.ts';

/** By its name in the export, the statement that reads each part of what there is about the user $1. */
const PARTS = {
  account: `select id, name, role, issuer, subject, created_at as "createdAt" from user_account where id = $1`,
  sessions: `select id, created_at as "createdAt", lasts_until as "lastsUntil", ended_at as "endedAt",
      series is not null as "isRemembered" from session where user_id = $1 order by id`,
  wallet: `select balance from wallet where user_id = $1`,
  entries: `select id, seq, kind, amount, balance_after as "balanceAfter", created_at as "createdAt",
      payment_id as "paymentId", refund_id as "refundId", cancels_id as "cancelsId", reason
    from entry where wallet_id = $1 order by seq`,
  charges: `select id, reference, amount, status, created_at as "createdAt", expires_at as "expiresAt",
      provider_payment_id as "providerPaymentId", entry_id as "entryId"
    from pending_charge where user_id = $1 order by id`,
  reservations: `select id, show_id as "showId", seat_ids as "seatIds", seat_prices as "seatPrices", status, amount,
      created_at as "createdAt", expires_at as "expiresAt", ended_at as "endedAt", cancel_reason as "cancelReason",
      queue_id as "queueId"
    from reservation where user_id = $1 order by id`,
  tickets: `select t.id, t.reservation_id as "reservationId", t.show_id as "showId", t.seat_id as "seatId",
      t.created_at as "createdAt", t.checked_in_at as "checkedInAt"
    from reservation r join ticket t on t.seat_id = any(r.seat_ids) and t.reservation_id = r.id
    where r.user_id = $1 order by t.id`,
  orders: `select id, status, subtotal, discount, total, memo, issued_coupon_id as "issuedCouponId",
      created_at as "createdAt", pay_by as "payBy", paid_on as "paidOn"
    from shop_order where user_id = $1 order by id`,
  orderLines: `select l.order_id as "orderId", l.line_no as "lineNo", l.product_id as "productId", l.quantity,
      l.unit_price as "unitPrice", l.discount
    from shop_order o join order_line l on l.order_id = o.id where o.user_id = $1 order by l.order_id, l.line_no`,
  payments: `select id, reservation_id as "reservationId", order_id as "orderId", amount, refunded, status, failure,
      created_at as "createdAt", cancelled_at as "cancelledAt", queue_id as "queueId"
    from payment where user_id = $1 order by id`,
  refunds: `select f.id, f.payment_id as "paymentId", f.amount, f.reason, f.seat_ids as "seatIds",
      f.created_at as "createdAt"
    from payment p join refund f on f.payment_id = p.id where p.user_id = $1 order by f.id`,
  refundLines: `select l.refund_id as "refundId", l.order_id as "orderId", l.line_no as "lineNo", l.quantity, l.amount
    from payment p join refund f on f.payment_id = p.id join refund_line l on l.refund_id = f.id
    where p.user_id = $1 order by l.refund_id, l.line_no`,
  coupons: `select id, coupon_id as "couponId", serial, issued_at as "issuedAt"
    from issued_coupon where user_id = $1 order by id`,
  priorityCodes: `select queue_id as "queueId", priority, claimed_at as "claimedAt"
    from priority_code where user_id = $1 order by claimed_at`,
} as const;

/**
 * Everything that PostgreSQL has about the caller, as it is at one instant: for each part its rows. Statuses are as they
 * are stored, so that a hold or order whose time is over may still be HELD or PLACED here. Passwords, cookies and tokens
 * are left out, for their hashes open nothing and say nothing.
 */
export function exportMyData(context: Context): Promise<object> {
  const { id } = callerOf(context);
  return context.em.fork().transactional(
    async (em) => {
      const parts: Record<string, object[]> = {};
      for (const [part, text] of Object.entries(PARTS)) parts[part] = await sql<object>(em, text, [id]);
      return parts;
    },
    { isolationLevel: IsolationLevel.REPEATABLE_READ, readOnly: true },
  );
}
