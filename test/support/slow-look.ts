import { patchPg } from './patch-pg.ts';

/** Preload: the two looks of a reserve, before its transaction and under its locks, take 1.5 s each, as on an overloaded database. */
patchPg((text) => {
  if (text.startsWith('select seat_id as id from hold')) return `${text} union all select null from pg_sleep(1.5)`;
  return text.includes('as "salesOpenAt"')
    ? text.replace('join show sh on', 'join pg_sleep(1.5) on true join show sh on')
    : text;
});
