import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import type { ServerName } from './members.ts';

/** Where a server listens on 127.0.0.1, and the password it asks for. */
export interface Access {
  port: number;
  password: string;
}

/** What is remembered about the servers of one data directory. */
export interface AccessFile {
  servers: Partial<Record<ServerName, Access>>;
  /** Set once PostgreSQL's data was put outside the data directory. */
  sheltered?: true;
}

/** Reads what was remembered; an empty record on the first start. Throws when the file belongs to another user or is damaged. */
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

/** A password nobody guesses; letters and digits only, so it needs no escaping in a URL. */
export function newPassword(): string {
  return randomBytes(24).toString('hex');
}

/** A port of 127.0.0.1 that nobody listens on: the preferred one if it is free. */
export async function freePort(preferred: number): Promise<number> {
  return (await tryPort(preferred)) ?? (await freePort(0));
}

function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: '127.0.0.1' }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : undefined));
    });
  });
}
