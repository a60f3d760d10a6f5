import { replaceSql } from './patch-pg.ts';

/** Preload: products, orders and coupons in somebody's hands are judged without their row locks, and written whatever they are. */
replaceSql(
  [/( from "?(product|shop_order|issued_coupon)\b[\s\S]*) for update( skip locked)?$/, '$1'],
  ['and p.stock = u.before', ''],
  ['and o.status = u.before', ''],
);
