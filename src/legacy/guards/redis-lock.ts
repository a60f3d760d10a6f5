import { randomUUID } from 'node:crypto';
import { Unavailable } from '../../platform/faults.ts';
import { loadScript, runScript } from '../../platform/lua.ts';
import { forkOf, type Platform } from '../../platform/platform.ts';
import type { Channel } from '../../platform/pubsub.ts';
import { transact } from '../../platform/transact.ts';
import { SECOND } from '../../platform/units.ts';
import type { Guard } from './guard.ts';

const ACQUIRE = loadScript(import.meta.url, 'acquire');
const RELEASE = loadScript(import.meta.url, 'release');

/** How long a lock lasts whose owner died: longer than any transaction that a request waits for. */
const LEASE_MS = 3 * SECOND;

/** How long one waits for a lock before giving up. */
const MOST_WAIT_MS = 2 * SECOND;

/** A message that a lock is free may be lost: one looks again after so long at the latest, and is in line until then. */
const LOOK_AGAIN_MS = 250;

/**
 * Lock, begin, work, commit, unlock: whoever comes second waits in Redis, and takes no connection of PostgreSQL
 * meanwhile. A lease that ran out under a slow owner lets two in; the version check is the fence behind it.
 */
export const redisLock: Guard = async (platform, key, work) => {
  const release = await acquire(platform, key);
  try {
    return await transact(forkOf(platform), (em) => work(em, 'versioned'));
  } finally {
    await release();
  }
};

/**
 * Waits for the lock of `key`.
 * @returns what gives it back; never throws
 * @throws Unavailable when others have it for too long; what Redis throws while it is away
 */
async function acquire(platform: Platform, key: string): Promise<() => Promise<void>> {
  const owner = randomUUID();
  const release = (): Promise<void> => releaseOf(platform, key, owner);
  try {
    if ((await tryToTake(platform, key, owner)) > 0) await waitInLine(platform, key, owner);
    return release;
  } catch (error) {
    // It may have been taken although the answer never came.
    await release();
    throw error;
  }
}

/** Whoever finds the lock taken listens first and looks again then, so that no release is missed in between. */
async function waitInLine(platform: Platform, key: string, owner: string): Promise<void> {
  let wake: () => void = () => undefined;
  const stop = await platform.messages.listen(channelOf(key), () => wake());
  try {
    const deadline = Date.now() + MOST_WAIT_MS;
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

/** @returns 0 when the lock is the owner's now, else the milliseconds after which it is worth another look */
function tryToTake({ redis }: Platform, key: string, owner: string): Promise<number> {
  return runScript<number>(redis, ACQUIRE, lockOf(key), [owner, LEASE_MS, 2 * LOOK_AGAIN_MS]);
}

/** When Redis is away the lease ends by itself: what was committed must not fail for it. */
async function releaseOf({ redis, log }: Platform, key: string, owner: string): Promise<void> {
  try {
    await runScript(redis, RELEASE, lockOf(key), [owner, channelOf(key).name]);
  } catch (error) {
    log.debug({ key, error: String(error) }, 'a lock is left to its lease');
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
