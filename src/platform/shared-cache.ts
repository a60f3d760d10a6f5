import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { CoalescedQuery } from './coalesced-query.ts';
import { loadScript, runScript } from './lua.ts';
import type { Platform } from './platform.ts';
import { SECOND } from './units.ts';

const READ = loadScript(import.meta.url, 'cache-read');
const FILL = loadScript(import.meta.url, 'cache-fill');

/** Milliseconds that one process may take to load a value before another one tries. */
const LEASE_MS = 2 * SECOND;

/** Interval and number of the retries for a value that another process is loading. */
const RETRY_MS = 20;
const MAX_RETRIES = 15;

/** Milliseconds for which this process does not use Redis after an error of Redis. */
const AWAY_MS = SECOND;

/** Results of `cache-read.lua` for a key without a value. */
const LEASED_TO_US = 1;
const LEASED_TO_ANOTHER = 0;

/** Hits and misses of a cache, over all processes, since Redis was last emptied. */
export interface CacheCounts {
  readonly name: string;
  readonly hits: number;
  readonly misses: number;
}

/**
 * A cache of values that all callers share, in Redis, for `ttlMs`. The first caller to miss a value loads it under a
 * short lease while the others wait, so that a crowd loads it once; a value whose loading began before `forget` is
 * never kept. While Redis is unreachable, each process loads values by coalesced queries.
 */
export class SharedCache<T> {
  readonly name: string;
  readonly #platform: Platform;
  readonly #ttlMs: number;
  readonly #load: (keys: readonly string[]) => Promise<ReadonlyMap<string, T>>;
  readonly #queries = new CoalescedQuery<ReadonlyMap<string, T>>();
  #awayUntil = 0;

  /** @param load returns the values that exist, by key; they must survive JSON */
  constructor(
    platform: Platform,
    name: string,
    ttlMs: number,
    load: (keys: readonly string[]) => Promise<ReadonlyMap<string, T>>,
  ) {
    this.#platform = platform;
    this.name = name;
    this.#ttlMs = ttlMs;
    this.#load = load;
  }

  /** The values of the keys that have one. @throws what `load` throws */
  async read(keys: readonly string[]): Promise<Map<string, T>> {
    const found = new Map<string, T>();
    let missing = [...new Set(keys)];
    for (let retry = 0; missing.length > 0 && retry <= MAX_RETRIES && Date.now() >= this.#awayUntil; retry++) {
      if (retry > 0) await sleep(RETRY_MS);
      missing = await this.#readInto(found, missing);
    }
    if (missing.length > 0) await this.#loadInto(found, missing);
    return found;
  }

  /**
   * Invalidates all values, after the commit of what changed them. Never throws: values that stay expire after `ttlMs`.
   */
  async forget(): Promise<void> {
    try {
      await this.#platform.redis.incr(`${this.#prefix}:generation`);
    } catch (error) {
      this.#platform.log.warn({ cache: this.name, error: String(error) }, 'a cache keeps old values for a moment');
    }
  }

  async counts(): Promise<CacheCounts> {
    const [hits, misses] = await this.#platform.redis.hmget(`${this.#prefix}:counts`, 'hits', 'misses');
    return { name: this.name, hits: Number(hits), misses: Number(misses) };
  }

  /** The braces keep a cache on one node of a Redis Cluster. */
  get #prefix(): string {
    return `{cache:${this.name}}`;
  }

  /** Reads what is kept, and loads what is leased to this process. @returns the keys that another process is loading */
  async #readInto(found: Map<string, T>, keys: readonly string[]): Promise<string[]> {
    const token = randomUUID();
    const answer = await this.#ask(token, keys);
    if (!answer) return [...keys];
    const [generation, ...values] = answer;
    for (const [index, key] of keys.entries()) {
      const value = values[index];
      if (typeof value === 'string') found.set(key, JSON.parse(value) as T);
    }
    const mine = keys.filter((_key, index) => values[index] === LEASED_TO_US);
    if (mine.length > 0) await this.#fill(generation, token, mine, found);
    return keys.filter((_key, index) => values[index] === LEASED_TO_ANOTHER);
  }

  async #ask(token: string, keys: readonly string[]): Promise<[number, ...(string | number)[]] | undefined> {
    try {
      return await runScript(this.#platform.redis, READ, this.#prefix, [token, LEASE_MS, ...keys]);
    } catch (error) {
      this.#awayUntil = Date.now() + AWAY_MS;
      this.#platform.log.debug({ cache: this.name, error: String(error) }, 'a cache is unreachable');
      return undefined;
    }
  }

  async #fill(generation: number, token: string, keys: readonly string[], found: Map<string, T>): Promise<void> {
    const loaded = await this.#load(keys);
    const values = keys.flatMap((key) => [key, loaded.has(key) ? JSON.stringify(loaded.get(key)) : '']);
    for (const [key, value] of loaded) found.set(key, value);
    const filled = runScript(this.#platform.redis, FILL, this.#prefix, [generation, token, this.#ttlMs, ...values]);
    await filled.catch((error: unknown) => {
      this.#platform.log.debug({ cache: this.name, error: String(error) }, 'a cache was not filled');
    });
  }

  async #loadInto(found: Map<string, T>, keys: readonly string[]): Promise<void> {
    const loaded = await this.#queries.run(keys.join(' '), () => this.#load(keys));
    for (const [key, value] of loaded) found.set(key, value);
  }
}
