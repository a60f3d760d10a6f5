import { setTimeout as sleep } from 'node:timers/promises';
import type { EntityManager } from '@mikro-orm/core';
import { isConflict } from './faults.ts';

const MAX_TRIES = 5;

/**
 * Runs `work` in a transaction of its own, and again from the start after a lost race (deadlock, serialisation, version
 * check). Only a verb calls it; inner steps neither begin a transaction nor retry.
 * @param work receives the transaction's entity manager and the number of races lost before
 * @throws what `work` throws; after five lost races the last one's error, which is a SERVICE_UNAVAILABLE for the caller
 */
export async function transact<T>(
  em: EntityManager,
  work: (em: EntityManager, lost: number) => Promise<T>,
): Promise<T> {
  for (let lost = 0; ; lost++) {
    try {
      return await em.fork().transactional((inner) => work(inner, lost));
    } catch (error) {
      if (!isConflict(error) || lost + 1 >= MAX_TRIES) throw error;
      await sleep(Math.random() * 5 * 2 ** lost);
    }
  }
}
