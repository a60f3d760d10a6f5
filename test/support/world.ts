import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { SignJWT } from 'jose';
import type pg from 'pg';
import { inject } from 'vitest';
import { eventually } from './builders.ts';
import { Buyer } from './client.ts';
import { openDatabase, type TestDatabase } from './database.ts';
import { type AppProcess, startProcess } from './process.ts';
import { TestRedis } from './redis-server.ts';

export const AUTH_SECRET = 'a secret of the tests, long enough to sign with';

interface Options {
  /** How many processes share the database and the Redis; 2 unless said otherwise. */
  readonly processes?: number;
  readonly env?: Record<string, string>;
  /** A module of test/support that every process loads first. */
  readonly preload?: string;
}

/** Processes of the product on a PostgreSQL database and a Redis of their own. */
export class World {
  readonly database: TestDatabase;
  readonly redisServer: TestRedis;
  /** To look at Redis with, past the product. */
  readonly redis: Redis;
  readonly processes: AppProcess[] = [];
  readonly #env: Record<string, string>;
  readonly #preload: string | undefined;

  private constructor(database: TestDatabase, redisServer: TestRedis, { env, preload }: Options) {
    this.database = database;
    this.redisServer = redisServer;
    this.redis = redisServer.client();
    this.#env = {
      AUTH_SECRET,
      DEMO_DATA: 'off',
      AUDIT_MINUTES: '0',
      RATE_LIMITS: 'off',
      // Every start hashes the operator's password.
      HASH_MEMORY_KIB: '8',
      HASH_PASSES: '1',
      // Buyers of tests order more than one person does.
      UNPAID_ORDERS_PER_USER: '1000',
      UNPAID_PIECES_PER_USER: '100000',
      OPERATOR_NAME: 'operator',
      OPERATOR_PASSWORD: 'operator-password',
      ...env,
    };
    this.#preload = preload;
  }

  static async open(options: Options = {}): Promise<World> {
    const [database, redis] = await Promise.all([openDatabase(inject('postgresUrl')), TestRedis.open()]);
    const world = new World(database, redis, options);
    const starting = Array.from({ length: options.processes ?? 2 }, () => world.#start({}, world.#preload));
    const started = await Promise.allSettled(starting);
    world.processes.push(...started.flatMap((each) => (each.status === 'fulfilled' ? each.value : [])));
    const failed = started.find((each) => each.status === 'rejected');
    if (failed) {
      // Nobody else would stop the others.
      await world.close().catch(() => undefined);
      throw failed.reason;
    }
    return world;
  }

  get pool(): pg.Pool {
    return this.database.pool;
  }

  get urls(): string[] {
    return this.processes.map(({ url }) => url);
  }

  async startProcess(env: Record<string, string> = {}, preload = this.#preload): Promise<AppProcess> {
    const started = await this.#start(env, preload);
    this.processes.push(started);
    return started;
  }

  /** New buyers with empty wallets, signed in, made past signUp, which takes its time for each password. */
  async buyers(count: number, balance = 0): Promise<Buyer[]> {
    const ids = Array.from({ length: count }, () => randomUUID());
    await this.pool.query(
      `with made as (
         insert into user_account (id, name, role) select id, 'buyer ' || id, 'BUYER' from unnest($1::uuid[]) id returning id
       ) insert into wallet (user_id, balance) select id, 0 from made`,
      [ids],
    );
    if (balance > 0) await this.#endow(ids, balance);
    return Promise.all(ids.map(async (id, index) => new Buyer(id, await signToken(id, 'BUYER'), this.#urlFor(index))));
  }

  async buyer(balance = 0): Promise<Buyer> {
    return (await this.buyers(1, balance))[0] as Buyer;
  }

  /** The operator that every process keeps. */
  async operator(): Promise<Buyer> {
    const text = `select id, session_version as version from user_account where name = 'operator'`;
    const { rows } = await this.pool.query<{ id: string; version: number }>(text);
    const { id, version } = rows[0] as { id: string; version: number };
    return new Buyer(id, await signToken(id, 'OPERATOR', '1h', { ver: version }), this.#urlFor(0));
  }

  /**
   * @throws Error when the product ran into a deadlock, unless a guard of it was switched off, and when a preload sought a
   * text that no process ever sent
   */
  async close(): Promise<void> {
    try {
      const deadlocks = await this.deadlocks();
      const messages = this.processes.flatMap((started) => started.messages);
      const valuesOf = (type: string) => messages.filter((message) => message.type === type).map(({ value }) => value);
      const missing = new Set(valuesOf('sought')).difference(new Set(valuesOf('found')));
      if (missing.size > 0) throw new Error(`a preload sought what was never sent: ${[...missing].join('; ')}`);
      const isGuarded = !this.#preload?.startsWith('./without-');
      if (isGuarded && deadlocks > 0)
        throw new Error(`${deadlocks} deadlocks: locks were taken in more than one order`);
    } finally {
      this.redis.disconnect();
      await this.redisServer.close();
      await this.database.close();
    }
  }

  /** How many deadlocks there have been; stops the processes. */
  async deadlocks(): Promise<number> {
    await Promise.all(this.processes.map((started) => started.stop()));
    const others = `select from pg_stat_activity where datname = current_database() and application_name = 'onsale'`;
    await eventually(async () => (await this.pool.query(others)).rowCount === 0);
    return this.database.deadlocks();
  }

  #start(env: Record<string, string>, preload: string | undefined): Promise<AppProcess> {
    const servers = { DATABASE_URL: this.database.url, REDIS_URL: this.redisServer.url };
    return startProcess({ ...this.#env, ...servers, ...env }, preload);
  }

  async #endow(ids: string[], balance: number): Promise<void> {
    await this.pool.query(
      `with posted as (
         insert into entry (id, wallet_id, seq, kind, amount, balance_before, balance_after)
         select gen_random_uuid(), id, 1, 'CHARGE', $2, 0, $2 from unnest($1::uuid[]) id returning wallet_id
       ) update wallet set balance = $2, seq = 1 where user_id in (select wallet_id from posted)`,
      [ids, balance],
    );
  }

  #urlFor(index: number): string {
    return this.urls[index % this.urls.length] as string;
  }
}

/**
 * An access token as the product signs them, good for an hour unless said otherwise.
 * @param session the session that it is of; when left out, one that has no row and cannot be renewed
 */
export function signToken(id: string, role: string, lifetime = '1h', session = {}): Promise<string> {
  return new SignJWT({ role, sid: randomUUID(), ver: 0, ...session })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(id)
    .setIssuer('onsale')
    .setAudience('onsale')
    .setIssuedAt()
    .setExpirationTime(lifetime)
    .sign(new TextEncoder().encode(AUTH_SECRET));
}
