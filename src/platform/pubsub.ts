import { RedisPubSub } from 'graphql-redis-subscriptions';
import type { Redis } from 'ioredis';
import type { Log } from './log.ts';
import { openRedisListener } from './redis.ts';

export interface Channel<T> {
  readonly name: string;
  /** What a message looks like; never set. */
  readonly message?: T;
}

/** Messages between processes. Each is delivered at most once, and some never: whoever listens must notice gaps. */
export interface Messages {
  publish<T>(channel: Channel<T>, message: T): Promise<void>;
  /** Calls `listener` for every message until the function answered is called. */
  listen<T>(channel: Channel<T>, listener: (message: T) => void): Promise<() => void>;
  /** Calls `listener` whenever the connection came back: whatever was published meanwhile is lost. */
  onGap(listener: () => void): () => void;
  close(): Promise<void>;
}

/** Opens the listening connection to `url`; publishing uses `redis`. */
export async function openMessages(url: string, redis: Redis, log: Log): Promise<Messages> {
  const subscriber = openRedisListener(url, 'listener', log);
  await subscriber.connect();
  swallowRejections(subscriber, log);
  const pubsub = new RedisPubSub({ publisher: redis, subscriber });
  const gaps = new Set<() => void>();
  subscriber.on('ready', () => {
    for (const listener of gaps) listener();
  });
  return {
    publish: (channel, message) => pubsub.publish(channel.name, message),
    listen: async (channel, listener) => {
      const id = await pubsub.subscribe(channel.name, listener);
      return () => pubsub.unsubscribe(id);
    },
    onGap: (listener) => {
      gaps.add(listener);
      return () => gaps.delete(listener);
    },
    close: async () => subscriber.disconnect(),
  };
}

/** RedisPubSub drops the promises of unsubscribing; without this a Redis outage would end the process. */
function swallowRejections(subscriber: Redis, log: Log): void {
  for (const method of ['unsubscribe', 'punsubscribe'] as const) {
    const original = subscriber[method].bind(subscriber) as (...args: unknown[]) => Promise<unknown>;
    Object.assign(subscriber, {
      [method]: (...args: unknown[]) =>
        original(...args).catch((error: Error) => log.debug({ error: error.message }, 'unsubscribing failed')),
    });
  }
}
