import type { EntityManager } from '@mikro-orm/core';
import type { Redis } from 'ioredis';
import type { Config } from '../config.ts';
import type { Log } from './log.ts';
import type { Orm } from './postgres.ts';
import type { Messages } from './pubsub.ts';

/** The servers, configuration and log that a process gives to every verb. */
export interface Platform {
  readonly config: Config;
  readonly log: Log;
  readonly orm: Orm;
  readonly redis: Redis;
  readonly messages: Messages;
  /** Run in reverse order when the process ends. */
  readonly closing: (() => Promise<void> | void)[];
}

/** A new entity manager, for work that belongs to no request. */
export function forkOf(platform: Platform): EntityManager {
  return platform.orm.em.fork();
}

/**
 * State that lives as long as the platform, made at first use: `const caches = perProcess((platform) => new
 * Cache(platform))`. Keyed by platform, so that two apps in one process share nothing.
 */
export function perProcess<T>(make: (platform: Platform) => T): (platform: Platform) => T {
  const made = new WeakMap<Platform, T>();
  return (platform) => {
    let state = made.get(platform);
    if (state === undefined) {
      state = make(platform);
      made.set(platform, state);
    }
    return state;
  };
}
