import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import type { Place } from './place.ts';
import { commandLine, findProcess, type ProcessIdentity } from './processes.ts';
import { type Answer, launchDetached, type Server } from './server.ts';
import type { Access } from './sharing.ts';

/** The address that clients use, with the password in it. */
export function postgresUrl(name: string, access: Access): string {
  return `postgresql://${name}:${access.password}@127.0.0.1:${access.port}/${name}`;
}

/**
 * PostgreSQL on `<place.home>/postgres`, which must have been initialised; `name` is its superuser and its database.
 */
export function postgresServer(place: Place, name: string, access: Access, logFile: string): Server {
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
    probe: () => probe(name, access),
    launch: () => {
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
  // PostgreSQL refuses to start while the pid is in use, by another program or by a killed server that no process has
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
async function probe(name: string, access: Access): Promise<Answer> {
  const connection = { host: '127.0.0.1', port: access.port, user: name, password: access.password };
  const client = new pg.Client({ ...connection, database: 'postgres', connectionTimeoutMillis: 1_000 });
  // A connection that breaks later emits 'error', which would end the process without a listener.
  client.on('error', () => undefined);
  try {
    await client.connect();
    const found = await client.query('select 1 from pg_database where datname = $1', [name]);
    if (found.rowCount === 0) await client.query(`create database ${client.escapeIdentifier(name)}`);
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

const DRAFT = 'postgres.draft-';

/** Whether PostgreSQL's data is there, complete. */
export function isInitialised(place: Place): boolean {
  return existsSync(join(place.home, 'postgres', 'PG_VERSION'));
}

/**
 * Makes an empty cluster in `<place.home>/postgres`: UTF8, sorted by code point the same on every machine, its
 * superuser `superuser` with `password`. It is made beside its place and moved there whole, so one that was killed half
 * way is just made again.
 */
export async function initialisePostgres(place: Place, superuser: string, password: string): Promise<void> {
  for (const name of readdirSync(place.home).filter((entry) => entry.startsWith(DRAFT))) {
    rmSync(join(place.home, name), { recursive: true, force: true });
  }
  const draft = join(place.home, `${DRAFT}${randomBytes(4).toString('hex')}`);
  const passwordFile = `${draft}.password`;
  try {
    mkdirSync(draft, { mode: 0o700 });
    writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
    giveTo(place, draft, passwordFile);
    await runInitdb(place, superuser, draft, passwordFile);
    renameSync(draft, join(place.home, 'postgres'));
  } finally {
    rmSync(passwordFile, { force: true });
    rmSync(draft, { recursive: true, force: true });
  }
}

/** Moves data away whose password is lost, replacing data moved away before. Returns the folder that it is in now. */
export function setAsidePostgres(place: Place): string {
  const aside = join(place.home, 'postgres.previous');
  rmSync(aside, { recursive: true, force: true });
  renameSync(join(place.home, 'postgres'), aside);
  return aside;
}

function giveTo({ account }: Place, ...paths: string[]): void {
  if (account === undefined) return;
  for (const path of paths) chownSync(path, account.uid, account.gid);
}

async function runInitdb(place: Place, superuser: string, folder: string, passwordFile: string): Promise<void> {
  const options = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const access = [`--username=${superuser}`, '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
  try {
    await promisify(execFile)(join(place.binaries, 'bin', 'initdb'), ['-D', folder, ...options, ...access], {
      cwd: place.home,
      env: { PATH: process.env.PATH, LC_ALL: 'C' },
      ...(place.account && { uid: place.account.uid, gid: place.account.gid }),
    });
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    const reason = (stderr?.trim() || message).split('\n').slice(-3).join(' | ');
    throw new Error(`PostgreSQL's data could not be made in ${place.home}: ${reason}`, { cause: error });
  }
}
