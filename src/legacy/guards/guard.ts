import type { EntityManager } from '@mikro-orm/core';
import type { Platform } from '../../platform/platform.ts';
import { optimistic } from './optimistic.ts';
import { pessimistic } from './pessimistic.ts';
import { redisLock } from './redis-lock.ts';

/**
 * How the row that decides is to be read: as it stands, for its version to be checked when it is written, or locked
 * first. The version is checked either way.
 */
export type Reading = 'versioned' | 'locked';

/** Work on one key, in the transaction that its guard began. It may be run again from the start. */
export type GuardedWork<T> = (em: EntityManager, reading: Reading) => Promise<T>;

/**
 * Keeps work on one key from interfering with work on the same key in other processes, and runs it in a transaction of
 * its own.
 * @param key names what is worked on, such as `wallet:<user id>`
 * @throws what `work` throws; when the key is fought over too long, an error that is a SERVICE_UNAVAILABLE
 */
export type Guard = <T>(platform: Platform, key: string, work: GuardedWork<T>) => Promise<T>;

/** By the names that the configuration has for them. */
export const GUARDS = { optimistic, pessimistic, 'redis-lock': redisLock } satisfies Record<string, Guard>;
