import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning, thisProcess } from './processes.ts';

/** Longer than a first start on a slow disk takes; whoever holds the lock longer is stuck. */
const PATIENCE_MS = 120_000;

/**
 * Runs `work` while no other process on this machine, and no other call in this process, does so under the same path.
 * The lock of a process that was killed is taken over. Throws when the holder keeps it for two minutes.
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const mine = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(mine, JSON.stringify({ ...thisProcess(), nonce: randomBytes(8).toString('hex') }));
  try {
    await acquire(path, mine);
  } finally {
    rmSync(mine, { force: true });
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

async function acquire(path: string, mine: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!tryLink(mine, path)) {
    const holder = read(path);
    if (holder !== undefined && !isHeldByTheLiving(holder)) breakStale(path, mine, holder);
    else if (Date.now() < deadline) await sleep(20);
    else throw new Error(`${path} has been held for two minutes by ${holder}: end that process, then try again.`);
  }
}

/** Removes the lock of a dead process. */
function breakStale(path: string, mine: string, seen: string): void {
  const claim = `${path}.break`;
  if (!tryLink(mine, claim)) {
    const breaker = read(claim);
    if (breaker !== undefined && !isHeldByTheLiving(breaker)) rmSync(claim, { force: true });
    return;
  }
  try {
    // Only the holder of the claim removes a dead process's lock, so what is compared here cannot be a newer one.
    if (read(path) === seen) unlinkSync(path);
  } finally {
    unlinkSync(claim);
  }
}

/** Makes `path` appear with the content of `mine` in one step; false when it is there already. */
function tryLink(mine: string, path: string): boolean {
  try {
    linkSync(mine, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function isHeldByTheLiving(holder: string): boolean {
  try {
    return isRunning(JSON.parse(holder));
  } catch {
    // A power cut can leave the file empty.
    return false;
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
