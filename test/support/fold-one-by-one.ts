import { replaceSql } from './patch-pg.ts';

/** Preload: what sold is added up one change at a time, a hundred times a second, by every process at once. */
const SECOND = 1_000;
const original = globalThis.setTimeout;

globalThis.setTimeout = Object.assign(
  (work: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) =>
    // Of the timers of a second only those of jobs: the time-outs of Redis stay.
    original(work, ms === SECOND && work.name === 'start' ? 10 : ms, ...args),
  original,
) as typeof setTimeout;

replaceSql(['pg_try_advisory_xact_lock(hashtextextended($1, 0))', '$1::text is not null']);
replaceSql(['from sale_change order by id limit $1', 'from sale_change order by id limit least($1::int, 1)']);
