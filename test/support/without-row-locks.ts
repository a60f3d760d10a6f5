import { patchPg } from './patch-pg.ts';

/** Preload: seats and what else is locked are judged without their row locks, and written whatever they are meanwhile. */
patchPg((text) =>
  text
    .replace(/for update( skip locked)?/g, '')
    .replace('where s.id = u.id and s.revision = u.before', 'where s.id = u.id')
    .replace('where r.id = u.id and r.status = u.before', 'where r.id = u.id')
    .replace('(select count(*) from back) as back', 'cardinality($16::uuid[]) as back'),
);
