import { SECOND } from '../platform/units.ts';

/** The first places hear of every change; the others of a real one, seldom, but never of nothing for long. */
const NEAR = 100;
const STEP = { places: 10, share: 0.05 } as const;
const LEAST_GAP_MS = 2 * SECOND;
const MOST_GAP_MS = 10 * SECOND;

/**
 * Whether a place that moved is worth telling.
 * @param told the position told last, @param position the one now, @param sinceMs milliseconds since it was told
 */
export function isNews(told: number | null, position: number, sinceMs: number): boolean {
  if (told === null) return true;
  if (sinceMs >= MOST_GAP_MS) return true;
  if (position === told) return false;
  if (position <= NEAR) return true;
  const moved = Math.abs(told - position);
  return sinceMs >= LEAST_GAP_MS && moved >= Math.max(STEP.places, told * STEP.share);
}
