import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { type Access, freePort } from './access.ts';
import type { Place } from './place.ts';
import { commandLine, findProcess, type ProcessIdentity } from './processes.ts';
import { type Answer, launchDetached, type Server } from './server.ts';

export const SUPERUSER = 'onsale';
const DATABASE = 'onsale';

/** The address that clients use, with the password in it. */
export function postgresUrl(access: Access): string {
  return `postgresql://${SUPERUSER}:${access.password}@127.0.0.1:${access.port}/${DATABASE}`;
}

/**
 * PostgreSQL on `<place.home>/postgres`, which must have been initialised. `access.port` is changed when it is taken by
 * somebody else at the time of the start, and `remember` is called before the server takes the port.
 */
export function postgresServer(place: Place, access: Access, logFile: string, remember: () => void): Server {
  const data = join(place.home, 'postgres');
  return {
    title: 'PostgreSQL',
    logFile,
    // Fast, then immediate shutdown: what the last one leaves is recovered at the next start.
    stopSignals: [
      ['SIGINT', 8_000],
      ['SIGQUIT', 3_000],
      ['SIGKILL', 3_000],
    ],
    find: () => findPostmaster(data),
    probe: () => probe(access),
    launch: async () => {
      access.port = await freePort(access.port);
      remember();
      const program = join(place.binaries, 'bin', 'postgres');
      return launchDetached(program, settings(data, access.port), { logFile, cwd: data, account: place.account });
    },
  };
}

function settings(data: string, port: number): string[] {
  const values = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: 200,
    fsync: 'on',
    timezone: 'UTC',
    log_timezone: 'UTC',
  };
  const options = Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return ['-D', data, '-p', String(port), ...options];
}

/** The process that PostgreSQL's own pid file names, if that is a postmaster of this very folder. */
function findPostmaster(data: string): ProcessIdentity | undefined {
  const path = join(data, 'postmaster.pid');
  const pid = firstNumber(path);
  const named = pid === undefined ? undefined : findProcess(pid);
  if (named !== undefined && commandLine(named.pid).includes(`-D ${data} `)) return named;
  // PostgreSQL refuses to start while the pid is in use, be it by another program or by a killed server that nobody has
  // reaped. It finds living children of a killed one by their shared memory, with or without this file.
  rmSync(path, { force: true });
  return undefined;
}

function firstNumber(path: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(path, 'utf8'), 10) || undefined;
  } catch {
    return undefined;
  }
}

/** Connects, and makes the database when it is missing. */
async function probe(access: Access): Promise<Answer> {
  const connection = { host: '127.0.0.1', port: access.port, user: SUPERUSER, password: access.password };
  const client = new pg.Client({ ...connection, database: 'postgres', connectionTimeoutMillis: 1_000 });
  // A connection that breaks after it was made reports here, and an unheard 'error' event would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    const found = await client.query('select 1 from pg_database where datname = $1', [DATABASE]);
    if (found.rowCount === 0) await client.query(`create database ${DATABASE}`);
    return 'ready';
  } catch (error) {
    return answerOf((error as { code?: string }).code);
  } finally {
    await client.end().catch(() => undefined);
  }
}

function answerOf(sqlState: string | undefined): Answer {
  switch (sqlState) {
    case '57P03': // starting up, recovering or shutting down
      return 'starting';
    case '53300': // too many connections: it serves others well
      return 'ready';
    case '28P01':
    case '28000':
      return 'stranger';
    default:
      return 'silent';
  }
}
