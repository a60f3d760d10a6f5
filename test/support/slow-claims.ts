import { replaceSql } from './patch-pg.ts';

/** Preload: between the instant as of which a process sees what is due and its claim lies more than a second. */
replaceSql([/(from "alert" as "a0" where )(?=.*order by "a0"."due_at")/, '$1(select pg_sleep(1.2)) is not null and ']);
