import type { EntityManager } from '@mikro-orm/core';
import { forkOf, type Platform, perProcess } from '../platform/platform.ts';
import { transact } from '../platform/transact.ts';
import { WorkByKey } from '../platform/work-by-key.ts';

const queues = perProcess(() => new WorkByKey());

/**
 * Runs a verb that moves money: one after another for each wallet within this process, before a connection is taken,
 * and again when another process was first.
 * @param work the whole verb, from its first lock on; gets how many races were lost before
 */
export function workOnWallet<T>(
  platform: Platform,
  userId: string,
  work: (em: EntityManager, lost: number) => Promise<T>,
): Promise<T> {
  return queues(platform).run(userId, () => transact(forkOf(platform), work));
}
