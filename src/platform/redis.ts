import { Redis } from 'ioredis';
import type { Log } from './log.ts';
import { SECOND } from './units.ts';

/** Milliseconds that a command may take. Commands are not queued while the server is unreachable. */
export const COMMAND_TIMEOUT_MS = SECOND;

/**
 * A connection that reconnects for as long as the process lives and fails every command at once while it has no server.
 * A command may be sent twice after a reconnect, so every command must be safe to run twice.
 */
export function openRedis(url: string, name: string, log: Log): Redis {
  const redis = new Redis(url, {
    connectionName: `onsale-${name}`,
    commandTimeout: COMMAND_TIMEOUT_MS,
    connectTimeout: 2 * SECOND,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(50 * attempt, 500),
    lazyConnect: true,
  });
  return logOutages(redis, name, log);
}

/**
 * A connection for subscriptions: its commands wait for the server, and subscriptions are renewed after a reconnect.
 */
export function openRedisListener(url: string, name: string, log: Log): Redis {
  const redis = new Redis(url, {
    connectionName: `onsale-${name}`,
    maxRetriesPerRequest: null,
    retryStrategy: (attempt) => Math.min(50 * attempt, 500),
    lazyConnect: true,
  });
  return logOutages(redis, name, log);
}

/** Logs when the server becomes unreachable and when it is back, but not each attempt to reconnect. */
function logOutages(redis: Redis, name: string, log: Log): Redis {
  let away = false;
  redis.on('error', (error) => {
    log[away ? 'debug' : 'warn']({ redis: name, error: error.message }, 'redis is unreachable');
    away = true;
  });
  redis.on('ready', () => {
    if (away) log.warn({ redis: name }, 'redis is back');
    away = false;
  });
  return redis;
}

/** The stream of events needs `entries-added` of XINFO STREAM, which came with this version. */
const MIN_MAJOR_VERSION = 7;

/**
 * Refuses a server that may evict tokens of queues, or is older than version 7.
 * @throws Error that says what is wrong, with the option that mends an eviction
 */
export async function checkServer(redis: Redis): Promise<void> {
  const [, policy] = (await redis.config('GET', 'maxmemory-policy').catch(() => [])) as string[];
  if (policy !== undefined && policy !== 'noeviction') {
    throw new Error(`Redis evicts keys (maxmemory-policy ${policy}): run it with --maxmemory-policy noeviction`);
  }
  const version = /^redis_version:((\d+)\S*)/m.exec(await redis.info('server'));
  if (version && Number(version[2]) < MIN_MAJOR_VERSION) {
    throw new Error(`Redis is of version ${version[1]}: run version ${MIN_MAJOR_VERSION} or newer`);
  }
}
