import { replaceSql } from './patch-pg.ts';

/** Preload: the seats of one user and show are counted without the lock that serialises the user's reserves. */
replaceSql([' else pg_advisory_xact_lock(hash)', '']);
