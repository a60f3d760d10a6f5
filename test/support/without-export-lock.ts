import { replaceSql } from './patch-pg.ts';

/** Preload: the link of an export is judged without a lock on its row, a moment after it was read. */
replaceSql([/(from "sales_export" as .*?) (order by .*?) for update/, '$1 and pg_sleep(0.2) is not null $2']);
