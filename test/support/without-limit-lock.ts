import { replaceSql } from './patch-pg.ts';

/** Preload: the seats of one user and show are counted without the lock that serialises the user's reserves. */
replaceSql(
  [/^select pg_advisory_xact_lock\(.*\)$/, 'select $1::text, $2::text'],
  [/where pg_try_advisory_xact_lock\(.*\)$/, 'where $2::text is not null'],
);
