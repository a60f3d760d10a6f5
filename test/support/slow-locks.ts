import { replaceSql } from './patch-pg.ts';

/** Preload: each product takes a while to be locked, so that whoever wants the same ones meets in the middle. */
replaceSql([/("\w+"\."stock")( from "product" .* for update)$/, '$1 + length(pg_sleep(0.02)::text) as "stock"$2']);
