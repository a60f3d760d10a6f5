import { replaceSql } from './patch-pg.ts';

/** Preload: a tenth of a second passes between the reading of events and their marks. */
replaceSql([
  /update outbox set shared_at(.*?)where/s,
  'with slow as materialized (select pg_sleep(0.1)) update outbox set shared_at$1 from slow where',
]);
