import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRunning, thisProcess } from './processes.ts';

/** The servers that can be run beside the app. */
export type ServerName = 'postgres' | 'redis';

const SUFFIX = '.member';

/**
 * Notes in `folder` that this process uses the servers, and answers a function that takes the note back.
 * A process may register more than once; each registration counts by itself.
 */
export function registerMember(folder: string, servers: readonly ServerName[]): () => void {
  const path = join(folder, `${process.pid}-${randomBytes(4).toString('hex')}${SUFFIX}`);
  writeFileSync(path, JSON.stringify({ ...thisProcess(), servers }));
  return () => rmSync(path, { force: true });
}

/** The servers that living processes use. Notes that killed processes left in `folder` are removed on the way. */
export function serversInUse(folder: string): Set<ServerName> {
  const used = new Set<ServerName>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith(SUFFIX))) {
    const path = join(folder, file);
    const member = readMember(path);
    if (member === undefined || !isRunning(member)) rmSync(path, { force: true });
    else for (const server of member.servers) used.add(server);
  }
  return used;
}

/** A note cut short by a kill or a full disk counts as nobody's. */
function readMember(path: string): { pid: number; startedAt: string; servers: ServerName[] } | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
