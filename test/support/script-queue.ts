import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { openLog } from '../../src/platform/log.ts';
import { loadScript, runScript, type Script } from '../../src/platform/lua.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { type Messages, openMessages } from '../../src/platform/pubsub.ts';
import { openRedis } from '../../src/platform/redis.ts';
import { channelOf, queueKey } from '../../src/queue/line/line.ts';
import type { RawView } from '../../src/queue/queue-token.ts';
import { newSecret } from '../../src/queue/queue-token.ts';

const ROOM = new URL('../../src/queue/line/line.ts', import.meta.url).href;
const NAMES = ['apply-settings', 'enter', 'leave', 'complete', 'read-tokens', 'tick', 'revoke'] as const;
const SCRIPTS = Object.fromEntries(NAMES.map((name) => [name, loadScript(ROOM, name)]));

/** One queue moved by its scripts alone: without processes, a tick comes when the test wants it. */
export class ScriptQueue {
  readonly id = randomUUID();
  readonly #redis: Redis;
  #version = 0;
  #aged = 0;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  get key(): string {
    return queueKey(this.id);
  }

  settle(settings: { state: string; capacity: number; reenter: boolean; entriesPerMinute?: number }): Promise<number> {
    this.#version += 1;
    const { state, capacity, reenter, entriesPerMinute = '' } = settings;
    const flags = [state, capacity, '', 1_000_000, 1_000_000, reenter ? 1 : 0, 1_000_000, 0];
    const args = [this.#version, ...flags, entriesPerMinute, newSecret()];
    return this.#run('apply-settings', args);
  }

  /** Enters as `user`, under that id of the token where the user has none. */
  enter<Answer = RawView | string>(user: string, tokenId: string, lane = '0'): Promise<Answer> {
    return this.#run('enter', [user, tokenId, newSecret(), lane]);
  }

  leave(user: string, tokenId: string): Promise<RawView | null> {
    return this.#run('leave', [tokenId, user]);
  }

  complete(tokenId: string): Promise<number> {
    return this.#run('complete', [tokenId]);
  }

  async read(tokenId: string): Promise<RawView | null> {
    const [view = null] = await this.#run<(RawView | null)[]>('read-tokens', [tokenId]);
    return view;
  }

  revoke(user: string): Promise<RawView | null> {
    return this.#run('revoke', [user]);
  }

  tick(): Promise<number> {
    return this.#run('tick', [0, channelOf(this.id).name]);
  }

  /** Lets the active time of a token be over; of several, the one aged first ran out first. */
  async age(tokenId: string): Promise<void> {
    this.#aged += 1;
    await this.#redis
      .multi()
      .hset(`${this.key}:t:${tokenId}`, 'x', this.#aged)
      .zadd(`${this.key}:active`, 'XX', this.#aged, tokenId)
      .exec();
  }

  /** Lets so many milliseconds go by for the entries of a minute, in which nobody enters. */
  async passTime(ms: number): Promise<void> {
    await this.#redis.hincrbyfloat(`${this.key}:meta`, 'entryAt', -ms);
    await this.#redis.hincrbyfloat(`${this.key}:meta`, 'retryAt', -ms);
  }

  /** Number of the last message. */
  async seq(): Promise<number> {
    return Number((await this.#redis.hget(`${this.key}:meta`, 'seq')) ?? 0);
  }

  async counts(...names: string[]): Promise<number[]> {
    return (await this.#redis.hmget(`${this.key}:meta`, ...names)).map(Number);
  }

  #run<T>(name: (typeof NAMES)[number], args: (string | number)[]): Promise<T> {
    return runScript<T>(this.#redis, SCRIPTS[name] as Script, this.key, args);
  }
}

/** The part of a process that a replica stands on, with connections of its own. */
export interface Listener {
  readonly platform: Platform;
  close(): Promise<void>;
}

/** @param change what becomes of the messages, to lose some */
export async function openListener(
  url: string,
  change: (messages: Messages) => Messages = (messages) => messages,
): Promise<Listener> {
  const log = openLog('silent');
  const redis = openRedis(url, 'test', log);
  await redis.connect();
  const messages = await openMessages(url, redis, log);
  return {
    platform: { redis, log, messages: change(messages), closing: [] as unknown[] } as Platform,
    close: async () => {
      await messages.close();
      redis.disconnect();
    },
  };
}

/** Messages of which every third is lost before it is heard. */
export function losing(messages: Messages, onLoss: (seq: number) => void): Messages {
  let heard = 0;
  return {
    ...messages,
    listen: (channel, listener) =>
      messages.listen(channel, (message) => {
        if (!('seq' in (message as object))) return listener(message);
        heard += 1;
        if (heard % 3 === 0) onLoss((message as { seq: number }).seq);
        else listener(message);
      }),
  };
}
