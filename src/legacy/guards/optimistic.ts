import { forkOf, perProcess } from '../../platform/platform.ts';
import { transact } from '../../platform/transact.ts';
import { SECOND } from '../../platform/units.ts';
import type { Guard } from './guard.ts';

/** Lost races after which the next try takes the row's lock first. */
const MOST_LOST = 2;

/** For so long after losing its races to another process, work on a key takes the row's lock at once. */
const CONTESTED_MS = 2 * SECOND;
const MOST_REMEMBERED = 10_000;

const contested = perProcess(() => new Map<string, number>());

/** Nobody waits for anybody: whoever was second to write finds another version, and does its work again. */
export const optimistic: Guard = (platform, key, work) => {
  const until = contested(platform);
  const before = Date.now() < (until.get(key) ?? 0) ? MOST_LOST : 0;
  if (until.size > MOST_REMEMBERED) until.clear();
  return transact(forkOf(platform), (em, lost) => {
    if (lost >= MOST_LOST) until.set(key, Date.now() + CONTESTED_MS);
    return work(em, before + lost >= MOST_LOST ? 'locked' : 'versioned');
  });
};
