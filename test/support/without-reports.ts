import { Redis } from 'ioredis';
import { loadScript } from '../../src/platform/lua.ts';

/** Preload: nobody tells Redis who is there. */
const { sha } = loadScript(new URL('../../src/queue/line/line.ts', import.meta.url).href, 'note-seen');
const original = Redis.prototype.evalsha as (this: Redis, ...args: unknown[]) => Promise<unknown>;

Redis.prototype.evalsha = function patched(this: Redis, ...args: unknown[]): Promise<unknown> {
  return args[0] === sha ? Promise.resolve(0) : original.apply(this, args);
} as typeof Redis.prototype.evalsha;
