import { replaceSql } from './patch-pg.ts';

/** Preload: seats and what else is locked are judged without their row locks, and written whatever they are meanwhile. */
replaceSql([/for update( skip locked)?/g, '']);
replaceSql(
  ['where s.id = u.id and s.revision = u.before', 'where s.id = u.id'],
  ['(select count(*) from back) as back', 'cardinality($16::uuid[]) as back'],
  ['where r.id = u.id and r.status = u.before', 'where r.id = u.id'],
);
