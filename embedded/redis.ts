import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { commandLine, findProcess, type ProcessIdentity } from './processes.ts';
import { type Answer, launchDetached, type Server } from './server.ts';
import type { Access } from './sharing.ts';

const ANSWER_WITHIN_MS = 1_000;

/** The address that clients use, with the password in it. */
export function redisUrl(access: Access): string {
  return `redis://:${access.password}@127.0.0.1:${access.port}`;
}

/** Redis on `<dataDir>/redis`, run by the `redis-server` found on PATH. */
export function redisServer(dataDir: string, access: Access, logFile: string): Server {
  const data = join(dataDir, 'redis');
  return {
    title: 'Redis',
    logFile,
    stopSignals: [
      ['SIGTERM', 8_000],
      ['SIGKILL', 3_000],
    ],
    find: () => findRedis(data, access.port),
    probe: () => probe(access),
    launch: async () => {
      mkdirSync(data, { recursive: true, mode: 0o700 });
      // The password is in a file because every user can read another process's arguments.
      writeFileSync(join(data, 'redis.conf'), configuration(data, access), { mode: 0o600 });
      return launch(data, logFile);
    },
  };
}

async function launch(data: string, logFile: string): Promise<ProcessIdentity> {
  try {
    return await launchDetached('redis-server', [join(data, 'redis.conf')], { logFile, cwd: data });
  } catch (error) {
    throw new Error('redis-server could not be run: install the package redis-server, or set REDIS_URL.', {
      cause: error,
    });
  }
}

function configuration(data: string, access: Access): string {
  const lines = [
    'bind 127.0.0.1',
    `port ${access.port}`,
    `requirepass ${access.password}`,
    'daemonize no',
    `dir ${JSON.stringify(data)}`,
    `pidfile ${JSON.stringify(join(data, 'redis.pid'))}`,
    'appendonly yes',
    'appendfsync always',
    'save ""',
    'maxmemory-policy noeviction',
  ];
  return `${lines.join('\n')}\n`;
}

/** The process that our pid file names, if that is a redis-server of this folder, which may show its port instead. */
function findRedis(data: string, port: number): ProcessIdentity | undefined {
  const pid = Number.parseInt(readIfThere(join(data, 'redis.pid')), 10);
  const named = Number.isInteger(pid) ? findProcess(pid) : undefined;
  if (named === undefined) return undefined;
  const command = commandLine(named.pid);
  const isOurs = command.includes('redis-server') && (command.includes(`:${port}`) || command.includes(data));
  return isOurs ? named : undefined;
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function probe(access: Access): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port: access.port });
    let heard = '';
    const answer = (value: Answer) => {
      socket.destroy();
      resolve(value);
    };
    socket.setTimeout(ANSWER_WITHIN_MS, () => answer('silent'));
    socket.on('error', () => answer('silent'));
    socket.on('close', () => answer('silent'));
    socket.on('connect', () => socket.write(`AUTH ${access.password}\r\nPING\r\n`));
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1');
      if (heard.includes('+PONG')) answer('ready');
      else if (heard.includes('-WRONGPASS') || heard.includes('-NOAUTH')) answer('stranger');
      else if (heard.includes('-LOADING')) answer('starting');
    });
  });
}
