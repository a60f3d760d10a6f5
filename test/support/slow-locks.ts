import { replaceSql } from './patch-pg.ts';

/** Preload: each product takes a while to be locked, so that whoever wants the same ones meets in the middle. */
replaceSql([
  'select id, price, stock from product',
  'select id, price, stock + length(pg_sleep(0.02)::text) as stock from product',
]);
