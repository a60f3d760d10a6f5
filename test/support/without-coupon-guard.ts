import { replaceSql } from './patch-pg.ts';

/** Preload: claims are confirmed without the coupon's row lock and without the check of its version. */
replaceSql(
  [/^(select id from coupon.*)for no key update/, '$1'],
  ['where id = $1 and issued = $2', 'where id = $1 and $2::int is not null'],
);
