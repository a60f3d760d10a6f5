import { SECOND } from '../platform/units.ts';

/** The first places hear of every change; the others of a real one, seldom. */
const NEAR = 100;
const STEP = { places: 10, share: 0.05 } as const;
const LEAST_GAP_MS = 2 * SECOND;

/**
 * Nobody hears nothing for ten seconds. Messages, at which this is judged, come at least once a second or so; the
 * spread keeps those who came together from being told together for ever.
 */
const MOST_GAP_MS = { least: 6.5 * SECOND, spread: 1.5 * SECOND } as const;

/** After how long somebody is told again though nothing has changed, in milliseconds; another one for everybody. */
export function newGapMs(): number {
  return MOST_GAP_MS.least + Math.random() * MOST_GAP_MS.spread;
}

/**
 * Whether a place that moved is worth telling.
 * @param told the position told last, @param position the one now; null before the queue has opened
 * @param sinceMs milliseconds since it was told, @param mostGapMs see `newGapMs`
 */
export function isNews(told: number | null, position: number | null, sinceMs: number, mostGapMs: number): boolean {
  if (sinceMs >= mostGapMs) return true;
  if (position === told) return false;
  if (told === null || position === null || position <= NEAR) return true;
  const moved = Math.abs(told - position);
  return sinceMs >= LEAST_GAP_MS && moved >= Math.max(STEP.places, told * STEP.share);
}
