import type { EntityManager } from '@mikro-orm/core';
import { type Refusal, refuse } from '../api/problems.ts';
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
 * @returns the answer; IDEMPOTENCY_CONFLICT for a key that came with other input
 */
export async function once<T>(em: EntityManager, { key, presumed, apply, replay }: Once<T>): Promise<T | Refusal> {
  const [fresh] = await claimKeys(em, [{ key, presumed }]);
  if (!fresh) {
    const kept = await readKept(em, key);
    return kept === 'CONFLICT' ? refuse('IDEMPOTENCY_CONFLICT') : replay(kept);
  }
  const { answer, keep } = await apply();
  if (keep) await keepAnswer(em, key, keep);
  return answer;
}
