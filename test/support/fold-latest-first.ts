import { replaceSql } from './patch-pg.ts';

/** Preload: what sold is added up one change at a time, the latest first. */
replaceSql(['from sale_change order by id limit $1', 'from sale_change order by id desc limit least($1::int, 1)']);
