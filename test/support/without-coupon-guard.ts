import { patchPg } from './patch-pg.ts';

/** Preload: claims are confirmed without the coupon's row lock and without the check of its version. */
patchPg((text) =>
  text.startsWith('select id from coupon')
    ? text.replace('for no key update', '')
    : text.replace('where id = $1 and issued = $2', 'where id = $1 and $2::int is not null'),
);
