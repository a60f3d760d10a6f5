import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const WAIT_MS = 100;
const PATIENCE_MS = 10 * 60_000;

/**
 * Runs `work` while no other set-up of the same clone does. Waits for one that is under way, takes over the lock of one
 * that was killed, and throws after ten minutes.
 */
export async function withSetupLock(root, say, work) {
  mkdirSync(join(root, 'dist'), { recursive: true });
  const lock = join(root, 'dist', '.setup.lock');
  const mine = `${lock}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(mine, `${process.pid} ${startOf(process.pid)} ${mine}`);
  try {
    await acquire(lock, mine, say);
  } finally {
    rmSync(mine, { force: true });
  }
  try {
    await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

async function acquire(lock, mine, say) {
  const deadline = Date.now() + PATIENCE_MS;
  let told = false;
  while (!tryLink(mine, lock)) {
    const holder = read(lock);
    if (holder !== undefined && !isAlive(holder)) {
      breakStale(lock, mine, holder);
      continue;
    }
    if (Date.now() > deadline) throw new Error(`another set-up has held ${lock} for ten minutes: end it (${holder}).`);
    if (!told) say('waiting for another set-up of this clone');
    told = true;
    await sleep(WAIT_MS);
  }
}

/** Only the holder of the claim removes a dead one's lock, so nobody removes the lock of the one that came next. */
function breakStale(lock, mine, seen) {
  const claim = `${lock}.break`;
  if (!tryLink(mine, claim)) {
    const breaker = read(claim);
    if (breaker !== undefined && !isAlive(breaker)) rmSync(claim, { force: true });
    return;
  }
  try {
    if (read(lock) === seen) rmSync(lock);
  } finally {
    rmSync(claim, { force: true });
  }
}

/** Makes `path` appear with the content of `mine` in one step; false when it is there already. */
function tryLink(mine, path) {
  try {
    linkSync(mine, path);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function isAlive(holder) {
  const [pid, start] = holder.split(' ');
  return startOf(Number(pid)) === start;
}

/** Tells a process from a later one with the same pid, where the system can; else only whether it lives. */
function startOf(pid) {
  try {
    if (process.platform !== 'linux') return String(process.kill(pid, 0));
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? 'ended' : fields[19];
  } catch {
    return 'ended';
  }
}
