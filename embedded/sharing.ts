import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning, thisProcess } from './processes.ts';

/** The servers that can be run beside an application. */
export type ServerName = 'postgres' | 'redis';

/** Where a server listens on 127.0.0.1, and the password it asks for. */
export interface Access {
  port: number;
  password: string;
}

/** The record of the servers of one data directory. */
export interface AccessFile {
  servers: Partial<Record<ServerName, Access>>;
  /** Set once PostgreSQL's data was put outside the data directory. */
  sheltered?: true;
}

/** Reads the record; it is empty on the first start. Throws when the file belongs to another user or is damaged. */
export function readAccess(path: string): AccessFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { servers: {} };
    throw new Error(`${path} cannot be read: run as the user that made it, or set DATA_DIR to a folder of your own.`, {
      cause: error,
    });
  }
  try {
    return JSON.parse(text) as AccessFile;
  } catch (error) {
    throw new Error(`${path} is damaged: restore it from a backup, or move it away to begin with empty servers.`, {
      cause: error,
    });
  }
}

/** Replaces the remembered record in one step, readable by this user only, and on disk when it returns. */
export function saveAccess(path: string, record: AccessFile): void {
  const draft = `${path}.${randomBytes(4).toString('hex')}`;
  const file = openSync(draft, 'wx', 0o600);
  try {
    writeSync(file, `${JSON.stringify(record, null, 2)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
}

/** A server's access in the record: the remembered one, or a new password and no port yet. */
export function accessOf(record: AccessFile, name: ServerName): Access {
  // Letters and digits only, so that the password needs no escaping in a URL.
  record.servers[name] ??= { port: 0, password: randomBytes(24).toString('hex') };
  return record.servers[name];
}

const MEMBER_SUFFIX = '.member';

/**
 * Notes in `folder` that this process uses the servers.
 * A process may register more than once; each registration counts by itself.
 * @returns a function that removes the note
 */
export function registerMember(folder: string, servers: readonly ServerName[]): () => void {
  const path = join(folder, `${process.pid}-${randomBytes(4).toString('hex')}${MEMBER_SUFFIX}`);
  writeFileSync(path, JSON.stringify({ ...thisProcess(), servers }));
  return () => rmSync(path, { force: true });
}

/** The servers that living processes use. Notes that killed processes left in `folder` are removed on the way. */
export function serversInUse(folder: string): Set<ServerName> {
  const used = new Set<ServerName>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith(MEMBER_SUFFIX))) {
    const path = join(folder, file);
    const member = readMember(path);
    if (member === undefined || !isRunning(member)) rmSync(path, { force: true });
    else for (const server of member.servers) used.add(server);
  }
  return used;
}

/** The content of a note; undefined for one cut short by a kill or a full disk. */
function readMember(path: string): { pid: number; startedAt: string; servers: ServerName[] } | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Milliseconds to wait for the lock: longer than a first start on a slow disk takes. */
const MAX_LOCK_WAIT_MS = 120_000;
const LOCK_RETRY_MS = 20;
const SQLITE_BUSY = 5;

/**
 * Runs `work` while no other process on this machine, and no other call in this process, does so with the same `path`.
 * The lock is SQLite's lock of that file, which the operating system frees when its holder ends, by SIGKILL too.
 * Throws when another holder keeps it for two minutes.
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const file = new DatabaseSync(path, { timeout: 0 });
  try {
    const deadline = Date.now() + MAX_LOCK_WAIT_MS;
    while (!tryLock(file)) {
      if (Date.now() > deadline)
        throw new Error(`${path} has been locked for two minutes: end the process that has it.`);
      await sleep(LOCK_RETRY_MS);
    }
    return await work();
  } finally {
    file.close();
  }
}

function tryLock(file: DatabaseSync): boolean {
  try {
    file.exec('begin exclusive');
    return true;
  } catch (error) {
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return false;
    throw error;
  }
}
