import type { EntityManager } from '@mikro-orm/core';
import { forkOf, type Platform, perProcess } from '../platform/platform.ts';
import { transact } from '../platform/transact.ts';
import { SECOND } from '../platform/units.ts';
import { WorkByKey } from '../platform/work-by-key.ts';
import { MOST_OPTIMISTIC } from './post-entry.ts';

/** Wallets for which another process was in the way a moment ago. */
const contested = perProcess(() => new Map<string, number>());
const CONTESTED_MS = 2 * SECOND;
const MOST_REMEMBERED = 10_000;

const queues = perProcess(() => new WorkByKey());

/**
 * Runs a verb that moves money: one after another for each wallet within this process, before a connection is taken,
 * and again when another process was first. While another process is at the same wallet, work starts as if it had lost
 * its races already: it takes the row's lock instead of losing them anew.
 * @param work the whole verb, from its first lock on; gets how many races were lost before
 */
export function workOnWallet<T>(
  platform: Platform,
  userId: string,
  work: (em: EntityManager, lost: number) => Promise<T>,
): Promise<T> {
  const until = contested(platform);
  return queues(platform).run(userId, async () => {
    const before = Date.now() < (until.get(userId) ?? 0) ? MOST_OPTIMISTIC : 0;
    if (until.size > MOST_REMEMBERED) until.clear();
    return transact(forkOf(platform), (em, lost) => {
      if (lost >= MOST_OPTIMISTIC) until.set(userId, Date.now() + CONTESTED_MS);
      return work(em, before + lost);
    });
  });
}
