import { replaceSql } from './patch-pg.ts';

/** Preload: no event is written, so that relays find none. */
replaceSql([
  /insert into outbox \(.*order by place/s,
  'select $1::uuid[], $2::text[], $3::uuid[], $4::smallint[], $5::jsonb[], $6::text[] limit 0',
]);
