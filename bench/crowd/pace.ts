/** Everybody comes within this time, most of them at its beginning. */
export const RUSH_SECONDS = 30;

/** A number between the two, any as likely as the other. */
export function between(least: number, most: number): number {
  return least + Math.random() * (most - least);
}

/** Whether this one is among `share` (0..1) of all. */
export function isAmong(share: number): boolean {
  return Math.random() < share;
}

/** Waits; no longer than until `stop`. */
export function sleep(milliseconds: number, stop: AbortSignal): Promise<void> {
  if (stop.aborted || milliseconds <= 0) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      stop.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    stop.addEventListener('abort', end);
  });
}

/** When each of `count` buyers comes, in milliseconds from the start, ascending. */
export function arrivals(count: number): number[] {
  return Array.from({ length: count }, () => RUSH_SECONDS * 1_000 * Math.random() ** 2).sort((a, b) => a - b);
}
