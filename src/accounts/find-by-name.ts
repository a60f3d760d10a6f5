import { setTimeout as sleep } from 'node:timers/promises';
import DataLoader from 'dataloader';
import { forkOf, type Platform, perProcess } from '../platform/platform.ts';
import { User } from './user.ts';

/** Most names of one statement. */
const MAX_NAMES = 500;

/** Milliseconds after a statement before the next: far less than a hash takes, which follows. */
const PAUSE_MS = 20;

/**
 * One statement at a time, and none right after another: names that come meanwhile share the next, so that a flood of them
 * takes one connection, and few statements.
 */
const finders = perProcess((platform) => {
  let last: Promise<unknown> = Promise.resolve();
  const findAll = async (names: readonly string[]): Promise<(User | null)[]> => {
    // More names than one statement has come as several batches at once.
    const finding = last.then(() => forkOf(platform).find(User, { name: { $in: names }, issuer: null }));
    last = finding.catch(() => undefined).then(() => sleep(PAUSE_MS));
    const users = new Map((await finding).map((user) => [user.name, user]));
    return names.map((name) => users.get(name) ?? null);
  };
  return new DataLoader<string, User | null>(findAll, {
    cache: false,
    maxBatchSize: MAX_NAMES,
    batchScheduleFn: (dispatch) => void last.then(dispatch),
  });
});

/** @returns the user who signed up here under the name; null when there is none */
export function findByName(platform: Platform, name: string): Promise<User | null> {
  return finders(platform).load(name);
}
