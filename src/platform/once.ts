import type { EntityManager } from '@mikro-orm/core';
import { type Claim, claimKeys, type KeptAnswer, keepAnswer, readKept } from './idempotency.ts';

/** What is to happen once for a key. */
export interface Once<T> extends Claim {
  /** @returns the answer, and what to keep of it where it is not what was presumed */
  readonly apply: () => Promise<{ readonly answer: T; readonly keep?: KeptAnswer }>;
  /** The answer that was kept, with the things it names as they are now. */
  readonly replay: (kept: KeptAnswer) => Promise<T>;
}

/**
 * Does something in `em`'s transaction, or answers what was answered when its key came before. The key is claimed
 * first: a rival waits for the commit. What is thrown undoes all of it, and the key is free again.
 */
export async function once<T>(em: EntityManager, { key, presumed, apply, replay }: Once<T>): Promise<T | 'CONFLICT'> {
  const [fresh] = await claimKeys(em, [{ key, presumed }]);
  if (!fresh) {
    const kept = await readKept(em, key);
    return kept === 'CONFLICT' ? kept : replay(kept);
  }
  const { answer, keep } = await apply();
  if (keep) await keepAnswer(em, key, keep);
  return answer;
}
