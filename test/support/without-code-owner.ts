import { replaceSql } from './patch-pg.ts';

/** Preload: a priority code is read as if nobody had claimed it, so that everybody who presents it may. */
replaceSql([
  'from "priority_code" as',
  `from (select hash, queue_id, priority, null::uuid as user_id, null::timestamptz as claimed_at from priority_code) as`,
]);
