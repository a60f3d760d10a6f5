import { randomUUID } from 'node:crypto';
import { Unavailable } from '../platform/faults.ts';
import { loadScript, runScript } from '../platform/lua.ts';
import type { Platform } from '../platform/platform.ts';
import type { Channel } from '../platform/pubsub.ts';
import { SECOND } from '../platform/units.ts';

const ACQUIRE = loadScript(import.meta.url, 'acquire-lock');
const RELEASE = loadScript(import.meta.url, 'release-lock');

/** Milliseconds after which the lock of a dead owner ends: longer than any transaction that a request waits for. */
const LEASE_MS = 3 * SECOND;

/** Milliseconds that a process waits for a lock before it gives up. */
const MAX_WAIT_MS = 2 * SECOND;

/**
 * Milliseconds after which a waiting process tries again at the latest, because the message that a lock is free may be
 * lost. Its place in line lasts for twice as long.
 */
const LOOK_AGAIN_MS = 250;

/**
 * Runs `work` while this call alone has the lock of `key`. A second caller waits in Redis and uses no connection of
 * PostgreSQL meanwhile. `work` begins and commits its transaction. When a lease ends under a slow owner, two owners may
 * work at once; the check of the row's version then fails one of them.
 * @param key what is locked, such as `wallet:<user id>`
 * @returns the result of `work`
 * @throws Unavailable when others have the lock for longer than 2 s; what Redis throws while it is unreachable; what
 * `work` throws
 */
export async function withRedisLock<T>(platform: Platform, key: string, work: () => Promise<T>): Promise<T> {
  const release = await acquire(platform, key);
  try {
    return await work();
  } finally {
    await release();
  }
}

/**
 * Waits for the lock of `key`.
 * @returns a function that releases the lock and never throws
 * @throws Unavailable when others have it for longer than 2 s; what Redis throws while it is unreachable
 */
async function acquire(platform: Platform, key: string): Promise<() => Promise<void>> {
  const owner = randomUUID();
  const release = (): Promise<void> => releaseOf(platform, key, owner);
  try {
    if ((await tryToTake(platform, key, owner)) > 0) await waitInLine(platform, key, owner);
    return release;
  } catch (error) {
    // Redis may have given the lock although its answer was lost.
    await release();
    throw error;
  }
}

/** Listens for the release first and tries again then, so that no release between the two is missed. */
async function waitInLine(platform: Platform, key: string, owner: string): Promise<void> {
  let wake: () => void = () => undefined;
  const stop = await platform.messages.listen(channelOf(key), () => wake());
  try {
    const deadline = Date.now() + MAX_WAIT_MS;
    for (;;) {
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const leaseMs = await tryToTake(platform, key, owner);
      if (leaseMs === 0) return;
      const left = deadline - Date.now();
      if (left <= 0) throw new Unavailable(`others have the lock of ${key}`);
      await Promise.race([woken, later(Math.min(leaseMs, left, LOOK_AGAIN_MS))]);
    }
  } finally {
    stop();
  }
}

/** @returns 0 when the owner has the lock now, else the milliseconds after which to try again */
function tryToTake({ redis }: Platform, key: string, owner: string): Promise<number> {
  return runScript<number>(redis, ACQUIRE, lockOf(key), [owner, LEASE_MS, 2 * LOOK_AGAIN_MS]);
}

/** Never throws, since `work` may have committed: when Redis is unreachable, the lease ends by itself. */
async function releaseOf({ redis, log }: Platform, key: string, owner: string): Promise<void> {
  try {
    await runScript(redis, RELEASE, lockOf(key), [owner, channelOf(key).name]);
  } catch (error) {
    log.debug({ key, error: String(error) }, 'a lock could not be released and ends with its lease');
  }
}

function lockOf(key: string): string {
  return `onsale:lock:{${key}}`;
}

function channelOf(key: string): Channel<number> {
  return { name: `onsale:unlocked:${key}` };
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
