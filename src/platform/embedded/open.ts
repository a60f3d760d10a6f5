import { accessSync, constants, mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { type Access, type AccessFile, newPassword, readAccess, saveAccess } from './access.ts';
import { initialisePostgres, isInitialised, setAsidePostgres } from './init-postgres.ts';
import { withLock } from './lock.ts';
import { registerMember, type ServerName, serversInUse } from './members.ts';
import { choosePlace, type Place } from './place.ts';
import { postgresServer, postgresUrl } from './postgres.ts';
import type { ProcessIdentity } from './processes.ts';
import { redisServer, redisUrl } from './redis.ts';
import { adoptOrStart, joinOrStart, type Server, stopServer } from './server.ts';

/** Servers of our own, for as long as this process uses them. */
export interface Embedded {
  /** Present when 'postgres' was asked for. */
  databaseUrl?: string;
  /** Present when 'redis' was asked for. */
  redisUrl?: string;
  /** What a reader should know, a sentence each: where data went that could not be put into the data directory. */
  notes: string[];
  /** Gives the servers back; the last process on the same data stops them. May be called again, to no effect. */
  close(): Promise<void>;
}

/** The files that belong together under one data directory. */
interface Ground {
  dataDir: string;
  run: string;
  recordPath: string;
  /** Set when PostgreSQL is among the servers. */
  place?: Place;
}

/**
 * Starts a private PostgreSQL and/or Redis on the data under `dataDir`, or joins those that run on it already, and
 * answers when they serve. They listen on 127.0.0.1 only and keep what they acknowledged over any kind of stop. Throws
 * an Error that says in a sentence what is wrong and what to do; what it had started is stopped again then.
 */
export async function openEmbedded(options: { dataDir: string; servers: readonly ServerName[] }): Promise<Embedded> {
  const ground = makeGround(options.dataDir);
  return withLock(join(ground.run, 'lock'), async () => {
    const usedByOthers = serversInUse(ground.run);
    const leave = registerMember(ground.run, options.servers);
    try {
      return await startAll(ground, options.servers, usedByOthers, leave);
    } catch (error) {
      leave();
      throw error;
    }
  });
}

function makeGround(path: string): Ground {
  try {
    mkdirSync(join(path, 'run'), { recursive: true });
    const dataDir = realpathSync(path);
    const run = join(dataDir, 'run');
    accessSync(run, constants.W_OK);
    return { dataDir, run, recordPath: join(dataDir, 'servers.json') };
  } catch (error) {
    throw new Error(
      `${path} cannot be written: run as the user that made it, or set DATA_DIR to a folder of your own.`,
      {
        cause: error,
      },
    );
  }
}

async function startAll(
  ground: Ground,
  names: readonly ServerName[],
  usedByOthers: ReadonlySet<ServerName>,
  leave: () => void,
): Promise<Embedded> {
  const record = readAccess(ground.recordPath);
  const notes = names.includes('postgres') ? await preparePostgres(ground, record) : [];
  const started = new Map<ServerName, ProcessIdentity>();
  const outcomes = await Promise.allSettled(
    names.map(async (name) => {
      const ensure = usedByOthers.has(name) ? joinOrStart : adoptOrStart;
      started.set(name, await ensure(serverOf(name, ground, record)));
    }),
  );
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure !== undefined) {
    const unused = [...started].filter(([name]) => !usedByOthers.has(name));
    await Promise.all(unused.map(([name, process]) => stopServer(serverOf(name, ground, record), process)));
    throw failure.reason;
  }
  const { postgres, redis } = record.servers;
  return {
    ...(started.has('postgres') && postgres && { databaseUrl: postgresUrl(postgres) }),
    ...(started.has('redis') && redis && { redisUrl: redisUrl(redis) }),
    notes,
    close: closer(ground, started, leave),
  };
}

/** Finds PostgreSQL's place and makes its data there if there is none. Answers notes for the reader. */
async function preparePostgres(ground: Ground, record: AccessFile): Promise<string[]> {
  const place = await choosePlace(ground.dataDir, record);
  ground.place = place;
  const notes = [...place.notes];
  if (record.servers.postgres === undefined && isInitialised(place)) {
    await stopServer(serverOf('postgres', ground, record));
    notes.push(
      `${ground.recordPath} is gone, and with it the password of the old data: they are now in ${setAsidePostgres(place)}.`,
    );
  }
  if (isInitialised(place)) return notes;
  const { password } = accessOf('postgres', record);
  saveAccess(ground.recordPath, record);
  await initialisePostgres(place, password);
  return notes;
}

function serverOf(name: ServerName, ground: Ground, record: AccessFile): Server {
  const access = accessOf(name, record);
  const logFile = join(ground.dataDir, `${name}.log`);
  const remember = () => saveAccess(ground.recordPath, record);
  if (name === 'redis') return redisServer(ground.dataDir, access, logFile, remember);
  // PostgreSQL was prepared before anybody asks for its server.
  return postgresServer(ground.place!, access, logFile, remember);
}

function accessOf(name: ServerName, record: AccessFile): Access {
  record.servers[name] ??= { port: 0, password: newPassword() };
  return record.servers[name];
}

function closer(ground: Ground, started: ReadonlyMap<ServerName, ProcessIdentity>, leave: () => void) {
  const closeNow = async () => {
    // Somebody may have removed the data directory meanwhile; the servers must still be stopped.
    mkdirSync(ground.run, { recursive: true });
    await withLock(join(ground.run, 'lock'), async () => {
      leave();
      const usedByOthers = serversInUse(ground.run);
      // Read again: another process may have had to start a server anew, on another port.
      const record = readAccess(ground.recordPath);
      const unused = [...started].filter(([name]) => !usedByOthers.has(name));
      await Promise.all(unused.map(([name, process]) => stopServer(serverOf(name, ground, record), process)));
    });
  };
  let closing: Promise<void> | undefined;
  return () => {
    closing ??= closeNow();
    return closing;
  };
}
