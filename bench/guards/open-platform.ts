import type { EntityClass } from '@mikro-orm/core';
import type { Platform } from '../../src/platform/platform.ts';
import { built } from '../product.ts';

/** What the verbs of one process stand on, without its server. @param env as in the environment of a process */
export async function openPlatform(
  env: Record<string, string>,
  entities: EntityClass<unknown>[],
  databaseUrl: string,
  redisUrl: string,
): Promise<Platform> {
  const { openPostgres } = await built<typeof import('../../src/platform/postgres.ts')>('platform/postgres');
  const { openRedis } = await built<typeof import('../../src/platform/redis.ts')>('platform/redis');
  const { openMessages } = await built<typeof import('../../src/platform/pubsub.ts')>('platform/pubsub');
  const { openLog } = await built<typeof import('../../src/platform/log.ts')>('platform/log');
  const { readConfig } = await built<typeof import('../../src/config.ts')>('config');
  const log = openLog('error');
  const redis = openRedis(redisUrl, 'bench', log);
  await redis.connect();
  return {
    config: readConfig(env),
    log,
    orm: await openPostgres(databaseUrl, entities, [], log),
    redis,
    messages: await openMessages(redisUrl, redis, log),
    closing: [],
  };
}
