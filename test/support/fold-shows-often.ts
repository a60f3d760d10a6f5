/** Preload: what happened to shows is added up fifty times a second, by every process. */
const FIVE_SECONDS = 5_000;
const original = globalThis.setTimeout;

globalThis.setTimeout = Object.assign(
  (work: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) =>
    original(work, ms === FIVE_SECONDS ? 20 : ms, ...args),
  original,
) as typeof setTimeout;
