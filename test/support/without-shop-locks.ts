import { replaceSql } from './patch-pg.ts';

/** Preload: products, orders and coupons in somebody's hands are judged without their row locks. */
replaceSql(['for no key update', '']);
