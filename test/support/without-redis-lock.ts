import { Redis } from 'ioredis';
import { loadScript } from '../../src/platform/lua.ts';
import './without-version-check.ts';

/** Preload: a lock in Redis is given to whoever asks, and a wallet's version is not checked. */
const ACQUIRE = loadScript(new URL('../../src/commands/redis-lock.ts', import.meta.url).href, 'acquire-lock');
const original = Redis.prototype.evalsha;

Redis.prototype.evalsha = function patched(this: Redis, ...args: unknown[]): Promise<unknown> {
  if (args[0] === ACQUIRE.sha) return Promise.resolve(0);
  return (original as (...all: unknown[]) => Promise<unknown>).apply(this, args);
} as typeof original;
