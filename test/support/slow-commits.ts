import { replaceSql } from './patch-pg.ts';

/** Preload: each transaction takes a while between its last statement and its commit. */
replaceSql([/^commit$/, 'select pg_sleep(0.15); commit']);
