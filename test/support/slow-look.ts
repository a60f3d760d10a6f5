import { replaceSql } from './patch-pg.ts';

/** Preload: the two looks of a reserve, before its transaction and under its locks, take 1.5 s each, as on an overloaded database. */
replaceSql([/^select seat_id as id from hold.*$/s, '$& union all select null from pg_sleep(1.5)']);
replaceSql([/(as "salesOpenAt".*)join show sh on/s, '$1join pg_sleep(1.5) on true join show sh on']);
