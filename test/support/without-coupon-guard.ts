import { replaceSql } from './patch-pg.ts';

/** Preload: coupons are issued without the coupon's row lock and without the check of its version. */
replaceSql([/(from "coupon".*) for update/, '$1'], [/^(update "coupon".*) and "version" = \d+/, '$1']);
