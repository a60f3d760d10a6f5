import { replaceSql } from './patch-pg.ts';

/** Preload: between the instant as of which a process sees what is due and its claim lies more than a second. */
replaceSql(['select id from alert where', 'select id from alert where (select pg_sleep(1.2)) is not null and']);
