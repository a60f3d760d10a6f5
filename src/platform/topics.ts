import { setTimeout as sleep } from 'node:timers/promises';
import { GraphQLError } from 'graphql';
import type { buildSchemaSync } from 'type-graphql';
import { ConflatingIterator } from './conflating-iterator.ts';
import { type Platform, perProcess } from './platform.ts';
import { SECOND } from './units.ts';

/**
 * Events that are the same for every subscriber of one subject, such as one show. A process opens a subject once,
 * however many subscribe to it, and makes each event once, so that its text can be shared too.
 */
export interface Topic<E> {
  readonly name: string;
  /** Whether a new subscriber first receives the latest event, or nothing. */
  readonly first: 'latest' | 'nothing';
  /** Runs for each subscriber, before the subject is opened. @throws CallerError for a subject that does not exist */
  check?(platform: Platform, id: string): Promise<void>;
  /**
   * Calls `publish` with each event until the function answered is called. `fail` ends all subscriptions with an error: there
   * is no such subject any more.
   * @throws what Redis throws while it is unreachable
   */
  open(
    platform: Platform,
    id: string,
    publish: (event: E) => void,
    fail: (error: GraphQLError) => void,
  ): Promise<() => void>;
  /** Merges two events, for a subscriber that has not read the first. Without it the newer event replaces the other. */
  merge?(unread: E, newer: E): E;
}

/** Milliseconds between two readings of a subject that is read while somebody subscribes. */
const READ_EVERY_MS = SECOND;
/** A subscriber receives what has not changed after so many milliseconds too, and so knows that it is still told. */
const MAX_SILENCE_MS = 10 * SECOND;

/** The argument of `polledTopic`: events that are read from PostgreSQL. */
export interface Polled<E> {
  readonly name: string;
  /** @throws CallerError for a subject that does not exist */
  check(platform: Platform, id: string): Promise<unknown>;
  /** Reads the subject as it is now. @throws GraphQLError when there is no such subject any more */
  read(platform: Platform, id: string): Promise<E>;
  /** What two events must share to be the same, as text. */
  contentOf(event: E): string;
}

/**
 * A topic whose subject is read once a second while somebody subscribes: it publishes at once, then what has changed.
 * While PostgreSQL is away it publishes nothing; when there is no such subject any more, the subscriptions end.
 */
export function polledTopic<E>({ name, check, read, contentOf }: Polled<E>): Topic<E> {
  return {
    name,
    first: 'latest',
    check: async (platform, id) => void (await check(platform, id)),
    open: async (platform, id, publish, fail) => {
      const ending = new AbortController();
      let last = await read(platform, id);
      let publishedAt = performance.now();
      publish(last);
      const keepReading = async (): Promise<void> => {
        while (!ending.signal.aborted) {
          await sleep(READ_EVERY_MS, undefined, { signal: ending.signal }).catch(() => undefined);
          try {
            const event = ending.signal.aborted ? last : await read(platform, id);
            const silentMs = performance.now() - publishedAt;
            // The next reading would come too late.
            const isNews = contentOf(event) !== contentOf(last) || silentMs > MAX_SILENCE_MS - READ_EVERY_MS;
            if (ending.signal.aborted || !isNews) continue;
            publish(event);
            last = event;
            publishedAt = performance.now();
          } catch (error) {
            if (error instanceof GraphQLError) fail(error);
            else platform.log.debug({ topic: name, id, error: String(error) }, 'a subject could not be read');
          }
        }
      };
      void keepReading();
      return () => ending.abort();
    },
  };
}

/** The subject of one subscription; a resolver gives it as `topicId`. */
export interface Subject {
  readonly platform: Platform;
  readonly id: string;
}

type PubSub = NonNullable<Parameters<typeof buildSchemaSync>[0]['pubSub']>;

/**
 * What type-graphql subscribes to `topics` through. Messages between processes come over the channels of pubsub.ts,
 * which each topic listens to by itself; verbs publish there after their commit, never through type-graphql.
 */
export function pubSubOf(topics: readonly Topic<unknown>[]): PubSub {
  const byName = new Map(topics.map((topic) => [topic.name, topic]));
  return {
    // graphql-js awaits what a subscription opens, so that an error refuses it.
    subscribe: (name, subject) => subscribe(byName.get(name), subject as Subject) as unknown as AsyncIterable<unknown>,
    publish: (name) => {
      throw new Error(`${name} is not published through type-graphql`);
    },
  };
}

const feeds = perProcess(() => new Map<string, Feed>());

async function subscribe(
  topic: Topic<unknown> | undefined,
  { platform, id }: Subject,
): Promise<ConflatingIterator<unknown>> {
  if (!topic) throw new Error('no such topic');
  await topic.check?.(platform, id);
  const all = feeds(platform);
  const key = `${topic.name}:${id}`;
  const feed = all.get(key) ?? new Feed(topic, platform, id, () => all.delete(key));
  all.set(key, feed);
  return feed.join();
}

/** One subject of a topic in one process, with its subscribers. */
class Feed {
  readonly #topic: Topic<unknown>;
  readonly #subscribers = new Set<ConflatingIterator<unknown>>();
  readonly #opened: Promise<() => void>;
  readonly #onEmpty: () => void;
  #latest: { event: unknown } | undefined;

  /** @param onEmpty called when the last subscriber has left */
  constructor(topic: Topic<unknown>, platform: Platform, id: string, onEmpty: () => void) {
    this.#topic = topic;
    this.#onEmpty = onEmpty;
    this.#opened = topic.open(
      platform,
      id,
      (event) => this.#publish(event),
      (error) => this.#fail(error),
    );
  }

  /** A conflating iterator over the events from now on. */
  async join(): Promise<ConflatingIterator<unknown>> {
    const events = new ConflatingIterator<unknown>(() => this.#leave(events), this.#topic.merge);
    this.#subscribers.add(events);
    if (this.#latest) events.push(this.#latest.event);
    try {
      await this.#opened;
    } catch (error) {
      events.end();
      throw error;
    }
    return events;
  }

  #publish(event: unknown): void {
    if (this.#topic.first === 'latest') this.#latest = { event };
    for (const events of this.#subscribers) events.push(event);
  }

  #fail(error: GraphQLError): void {
    for (const events of this.#subscribers) events.fail(error);
  }

  #leave(events: ConflatingIterator<unknown>): void {
    this.#subscribers.delete(events);
    if (this.#subscribers.size > 0) return;
    this.#onEmpty();
    this.#opened.then(
      (stop) => stop(),
      () => undefined,
    );
  }
}
