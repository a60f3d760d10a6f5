import { replaceSql } from './patch-pg.ts';

/** Preload: who sells from a show does not share the lock that cancelling it takes alone. */
replaceSql(['when is_shared then pg_advisory_xact_lock_shared(hash)', 'when is_shared then null']);
