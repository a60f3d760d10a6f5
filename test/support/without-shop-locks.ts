import { replaceSql } from './patch-pg.ts';

/**
 * Preload: products, orders and coupons in somebody's hands are judged without their row locks
 * and without the lock of a user's orders, and written whatever they are.
 */
replaceSql(
  [/( from "?(product|shop_order|issued_coupon)\b[\s\S]*) for update( skip locked)?$/, '$1'],
  [' else pg_advisory_xact_lock(hash)', ''],
  ['and p.stock = u.before', ''],
  ['and o.status = u.before', ''],
);
