import { RedisPubSub } from 'graphql-redis-subscriptions';
import type { Redis } from 'ioredis';
import type { Log } from './log.ts';
import { COMMAND_TIMEOUT_MS, openRedisListener } from './redis.ts';
import { withTimeout } from './with-timeout.ts';

export interface Channel<T> {
  readonly name: string;
  /** The type of the messages; never set. */
  readonly message?: T;
}

/** Messages between processes. Each is delivered at most once and may be lost: a listener must detect gaps. */
export interface Messages {
  publish<T>(channel: Channel<T>, message: T): Promise<void>;
  /**
   * Calls `listener` for every message.
   * @returns a function that ends the calls
   * @throws Error when Redis does not answer within a second
   */
  listen<T>(channel: Channel<T>, listener: (message: T) => void): Promise<() => void>;
  /** Calls `listener` whenever the connection is back after an outage: messages published in between are lost. */
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
      if (subscriber.status !== 'ready') throw new Error('Connection is closed.');
      const stop = (id: number) => (): void => pubsub.unsubscribe(id);
      const listening = pubsub.subscribe(channel.name, listener).then(stop);
      // The connection queues its commands until Redis is back; the caller is not kept waiting for that.
      return withTimeout(listening, COMMAND_TIMEOUT_MS, () => {
        listening.then(
          (stopListening) => stopListening(),
          () => undefined,
        );
        return new Error('Command timed out');
      });
    },
    onGap: (listener) => {
      gaps.add(listener);
      return () => gaps.delete(listener);
    },
    close: async () => subscriber.disconnect(),
  };
}

/** RedisPubSub ignores the promises of unsubscribing; their rejection in an outage of Redis would end the process. */
function swallowRejections(subscriber: Redis, log: Log): void {
  for (const method of ['unsubscribe', 'punsubscribe'] as const) {
    const original = subscriber[method].bind(subscriber) as (...args: unknown[]) => Promise<unknown>;
    Object.assign(subscriber, {
      [method]: (...args: unknown[]) =>
        original(...args).catch((error: Error) => log.debug({ error: error.message }, 'unsubscribing failed')),
    });
  }
}
