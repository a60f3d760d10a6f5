import { replaceSql } from './patch-pg.ts';
import './slow-locks.ts';

/** Preload: as slow-locks.ts; and a process with LOCK_ORDER=desc takes its row locks in the opposite order. */
if (process.env.LOCK_ORDER === 'desc') {
  replaceSql([/(order by "\w+"\."id") asc for update$/, '$1 desc for update']);
}
