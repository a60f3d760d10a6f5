import { loadScript } from '../../src/platform/lua.ts';
import { patchRedis } from './patch-redis.ts';
import './without-version-check.ts';

/** Preload: a lock in Redis is given to everybody who asks, and a wallet's version is not checked. */
const LOCK = new URL('../../src/commands/redis-lock.ts', import.meta.url).href;
patchRedis([loadScript(LOCK, 'acquire-lock')], async () => 0);
