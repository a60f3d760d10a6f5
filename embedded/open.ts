import { accessSync, constants, mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { choosePlace, type Place } from './place.ts';
import { initialisePostgres, isInitialised, postgresServer, postgresUrl, setAsidePostgres } from './postgres.ts';
import { isRunning, type ProcessIdentity } from './processes.ts';
import { redisServer, redisUrl } from './redis.ts';
import { adoptOrStart, freePort, joinOrRestart, type Server, stopServer } from './server.ts';
import {
  type AccessFile,
  accessOf,
  readAccess,
  registerMember,
  type ServerName,
  saveAccess,
  serversInUse,
  withLock,
} from './sharing.ts';

export interface EmbeddedOptions {
  /** The folder of the servers' data; made when it is missing. */
  dataDir: string;
  servers: readonly ServerName[];
  /** The application's name, in lower-case letters: PostgreSQL's superuser and database are called so. */
  name: string;
  /** Receives a sentence when a server has died, when it serves again, and when it cannot be started again. */
  report?: (sentence: string) => void;
}

/** The private servers, while this process uses them. */
export interface Embedded {
  /** Set when `servers` has 'postgres'. */
  databaseUrl?: string;
  /** Set when `servers` has 'redis'. */
  redisUrl?: string;
  /** Sentences to print: where data is that could not be put into the data directory. */
  notes: string[];
  /** Stops using the servers; the last process on the same data stops them. A second call has no effect. */
  close(): Promise<void>;
}

/** Milliseconds between a process's checks that the servers it uses still run. */
const LOOK_MS = 500;

/** The files that belong together under one data directory. */
interface DataDirectory {
  name: string;
  path: string;
  /** The folder in which processes register that they use the servers. */
  run: string;
  lock: string;
  recordPath: string;
  /** Set when PostgreSQL is among the servers. */
  place?: Place;
}

/**
 * Starts a private PostgreSQL and/or Redis on the data under `dataDir`, or joins those that run on it already, and
 * returns when they serve. They listen on 127.0.0.1 only and keep what they acknowledged over any kind of stop. A
 * server that dies is started again, on the same port, by one of the processes that use it. Throws an Error that says
 * in a sentence what is wrong and what to do; what it had started is stopped again then.
 */
export async function openEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const directory = openDirectory(options.dataDir, options.name);
  return withLock(directory.lock, async () => {
    const usedByOthers = serversInUse(directory.run);
    const leave = registerMember(directory.run, options.servers);
    try {
      return await startAll(directory, options, usedByOthers, leave);
    } catch (error) {
      leave();
      throw error;
    }
  });
}

function openDirectory(dataDir: string, name: string): DataDirectory {
  try {
    mkdirSync(join(dataDir, 'run'), { recursive: true });
    const path = realpathSync(dataDir);
    const run = join(path, 'run');
    accessSync(run, constants.W_OK);
    return { name, path, run, lock: join(run, 'lock.sqlite'), recordPath: join(path, 'servers.json') };
  } catch (error) {
    throw new Error(
      `${dataDir} cannot be written: run as the user that made it, or set DATA_DIR to a folder of your own.`,
      { cause: error },
    );
  }
}

async function startAll(
  directory: DataDirectory,
  { servers, report }: EmbeddedOptions,
  usedByOthers: ReadonlySet<ServerName>,
  leave: () => void,
): Promise<Embedded> {
  const record = readAccess(directory.recordPath);
  const notes = servers.includes('postgres') ? await preparePostgres(directory, record) : [];
  const running = new Map<ServerName, ProcessIdentity>();
  const outcomes = await Promise.allSettled(
    servers.map(async (name) => {
      const server = serverOf(name, directory, record);
      const choosePort = async () => {
        const access = accessOf(record, name);
        access.port = await freePort(access.port);
        saveAccess(directory.recordPath, record);
      };
      running.set(name, await (usedByOthers.has(name) ? joinOrRestart(server) : adoptOrStart(server, choosePort)));
    }),
  );
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure !== undefined) {
    await stopUnused(directory, running, usedByOthers);
    throw failure.reason;
  }
  const { postgres, redis } = record.servers;
  const stopLooking = keepRunning(directory, running, report ?? (() => undefined));
  let closing: Promise<void> | undefined;
  return {
    ...(running.has('postgres') && postgres && { databaseUrl: postgresUrl(directory.name, postgres) }),
    ...(running.has('redis') && redis && { redisUrl: redisUrl(redis) }),
    notes,
    close: () => {
      closing ??= stopLooking().then(() => closeAll(directory, running, leave));
      return closing;
    },
  };
}

/** Finds PostgreSQL's place and makes its data there if there is none. Returns notes for the reader. */
async function preparePostgres(directory: DataDirectory, record: AccessFile): Promise<string[]> {
  const { name, path, recordPath } = directory;
  const place = await choosePlace(path, name, record);
  directory.place = place;
  const notes = [...place.notes];
  if (record.servers.postgres === undefined && isInitialised(place)) {
    await stopServer(serverOf('postgres', directory, record));
    notes.push(
      `${recordPath} is gone, and with it the password of the old data: they are now in ${setAsidePostgres(place)}.`,
    );
  }
  if (isInitialised(place)) return notes;
  const { password } = accessOf(record, 'postgres');
  saveAccess(recordPath, record);
  await initialisePostgres(place, name, password);
  return notes;
}

function serverOf(name: ServerName, directory: DataDirectory, record: AccessFile): Server {
  const access = accessOf(record, name);
  const logFile = join(directory.path, `${name}.log`);
  if (name === 'redis') return redisServer(directory.path, access, logFile);
  // PostgreSQL's place is chosen before its server is asked for.
  return postgresServer(directory.place!, directory.name, access, logFile);
}

/**
 * Looks twice a second whether the servers in `running` do run, and starts again, under the lock, those that died.
 * Returns a function that ends this and waits for a start under way.
 */
function keepRunning(
  directory: DataDirectory,
  running: Map<ServerName, ProcessIdentity>,
  report: (sentence: string) => void,
): () => Promise<void> {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | undefined;
  const reported = new Set<ServerName>();
  const restart = async (name: ServerName) => {
    const server = serverOf(name, directory, readAccess(directory.recordPath));
    if (!reported.has(name)) report(`${server.title} has ended unexpectedly: see ${server.logFile}.`);
    reported.add(name);
    try {
      running.set(name, await joinOrRestart(server));
      reported.delete(name);
      report(`${server.title} serves again.`);
    } catch (error) {
      report(`${server.title} could not be started again: ${String(error)}`);
    }
  };
  const look = async () => {
    if ([...running.values()].every(isRunning)) return;
    await withLock(directory.lock, async () => {
      const dead = [...running].filter(([, process]) => !isRunning(process));
      if (!stopped) await Promise.all(dead.map(([name]) => restart(name)));
    }).catch((error: unknown) => report(`A server has ended unexpectedly: ${String(error)}`));
  };
  const schedule = () => {
    timer = setTimeout(() => {
      looking = look().finally(() => {
        if (!stopped) schedule();
      });
    }, LOOK_MS);
    // The checks alone do not keep the process alive.
    timer.unref();
  };
  schedule();
  return async () => {
    stopped = true;
    clearTimeout(timer);
    await looking;
  };
}

async function closeAll(
  directory: DataDirectory,
  running: ReadonlyMap<ServerName, ProcessIdentity>,
  leave: () => void,
): Promise<void> {
  // The data directory may have been removed meanwhile; the servers must still be stopped.
  mkdirSync(directory.run, { recursive: true });
  await withLock(directory.lock, async () => {
    leave();
    await stopUnused(directory, running, serversInUse(directory.run));
  });
}

async function stopUnused(
  directory: DataDirectory,
  running: ReadonlyMap<ServerName, ProcessIdentity>,
  usedByOthers: ReadonlySet<ServerName>,
): Promise<void> {
  // Read again: another process may have started a server on another port.
  const record = readAccess(directory.recordPath);
  const unused = [...running].filter(([name]) => !usedByOthers.has(name));
  await Promise.all(unused.map(([name, process]) => stopServer(serverOf(name, directory, record), process)));
}
