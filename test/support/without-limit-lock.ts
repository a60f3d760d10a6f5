import { replaceSql } from './patch-pg.ts';

/** Preload: the seats of one user and show are counted without the lock that serialises the user's reserves. */
replaceSql([/^select pg_advisory_xact_lock\(hash\)/, 'select hash']);
