import { replaceSql } from './patch-pg.ts';

/** Preload: the stock of an order comes back whatever became of the order before. */
replaceSql([`where id = any($1) and status = 'PLACED' returning id`, 'where id = any($1) returning id']);
