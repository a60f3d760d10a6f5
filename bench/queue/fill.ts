import type { Redis } from 'ioredis';
import { v7 } from 'uuid';
import { loadScript, type Script } from '../../src/platform/lua.ts';
import { built } from '../product.ts';

const { queueKey } = await built<typeof import('../../src/queue/line/line.ts')>('queue/line/line');
const tokens = await built<typeof import('../../src/queue/queue-token.ts')>('queue/queue-token');
const { hashOf, newSecret, tokenIdOf, tokenValueOf } = tokens;

const AT_ONCE = 1_000;

/** One of the queue's scripts, as the product runs it. */
export function scriptOf(name: string): Script {
  return loadScript(new URL('../../src/queue/line/line.ts', import.meta.url).href, name);
}

/** Loads one of the queue's scripts. @returns the digest that it is called by */
export async function digestOf(redis: Redis, name: string): Promise<string> {
  return (await redis.script('LOAD', scriptOf(name).text)) as string;
}

/** Somebody whom a script let in. */
export interface Filler {
  readonly userId: string;
  readonly tokenId: string;
}

/** Lets `count` new people enter by the product's own script, a thousand in a pipeline: a million over HTTP would take an hour. */
export async function fillQueue(redis: Redis, queueId: string, count: number): Promise<Filler[]> {
  const enter = await digestOf(redis, 'enter');
  const fillers: Filler[] = [];
  for (let done = 0; done < count; done += AT_ONCE) {
    const pipeline = redis.pipeline();
    for (let i = done; i < Math.min(count, done + AT_ONCE); i++) {
      const secret = newSecret();
      const filler = { userId: v7(), tokenId: tokenIdOf(hashOf(tokenValueOf(queueId, secret))) };
      pipeline.evalsha(enter, 1, queueKey(queueId), filler.userId, filler.tokenId, secret, '0');
      fillers.push(filler);
    }
    const failed = (await pipeline.exec())?.find(([error]) => error);
    if (failed) throw failed[0];
  }
  return fillers;
}
