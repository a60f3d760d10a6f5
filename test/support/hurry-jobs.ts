/** Preload: what would be done every minute is done ten times a second. */
const MINUTE = 60_000;
const original = globalThis.setTimeout;

globalThis.setTimeout = Object.assign(
  (work: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) =>
    original(work, ms === MINUTE ? 100 : ms, ...args),
  original,
) as typeof setTimeout;
