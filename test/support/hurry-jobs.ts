/** Preload: what would be done every minute, or every ten, is done ten times a second. */
const MINUTES = [60_000, 600_000];
const original = globalThis.setTimeout;

globalThis.setTimeout = Object.assign(
  (work: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) =>
    original(work, MINUTES.includes(ms ?? 0) ? 100 : ms, ...args),
  original,
) as typeof setTimeout;
