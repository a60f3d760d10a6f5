import './without-row-locks.ts';
import { replaceSql } from './patch-pg.ts';

/** Preload: as without-row-locks.ts; and who sells from a show does not share the lock that mending it takes alone. */
replaceSql(['when is_shared then pg_advisory_xact_lock_shared(hash)', 'when is_shared then null']);
