import { createRequire } from 'node:module';
import type { Redis } from 'ioredis';
import { seek } from './patch-pg.ts';

/** Preload: no message that a session ended reaches this process, which listens to another channel. */
const note = seek('onsale:sessions');
const { Redis: Client } = createRequire(import.meta.url)('ioredis') as { Redis: { prototype: Redis } };
const { subscribe } = Client.prototype;
Client.prototype.subscribe = function deaf(this: Redis, ...args: unknown[]) {
  if (args.includes('onsale:sessions')) note();
  return subscribe.apply(this, args.map((arg) => (arg === 'onsale:sessions' ? 'onsale:nothing' : arg)) as never);
} as never;
