import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import pg from 'pg';
import { type Embedded, openEmbedded } from '../../embedded/open.ts';
import { type AppProcess, startProcess } from '../../test/support/process.ts';
import { AUTH_SECRET, newUser } from './users.ts';

const HERE = fileURLToPath(new URL('../..', import.meta.url));

/** Processes of the product as it is built, on a PostgreSQL and a Redis of their own. */
export class Servers {
  static readonly #open = new Set<Servers>();
  readonly processes: readonly AppProcess[];
  readonly redis: Redis;
  readonly pool: pg.Pool;
  readonly #embedded: Embedded;
  readonly #dataDir: string;

  private constructor(processes: readonly AppProcess[], embedded: Embedded, dataDir: string) {
    this.processes = processes;
    this.#embedded = embedded;
    this.#dataDir = dataDir;
    this.redis = new Redis(embedded.redisUrl as string);
    this.pool = new pg.Pool({ connectionString: embedded.databaseUrl as string, max: 2 });
    this.pool.on('error', () => undefined);
    Servers.#open.add(this);
  }

  /** Closes all that are open, where a bench is stopped by hand. */
  static async closeAll(): Promise<void> {
    await Promise.all([...Servers.#open].map((servers) => servers.close()));
  }

  /**
   * Builds the product and starts it.
   * @param count processes
   * @param env on top of what every bench sets
   * @param root folder of the checkout whose product is started; this one where it is left out
   */
  static async open(count: number, env: Record<string, string> = {}, root = HERE): Promise<Servers> {
    execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
    const dataDir = await mkdtemp(join(tmpdir(), 'onsale-bench-'));
    // PostgreSQL runs as another user where the bench runs as root.
    await chmod(dataDir, 0o755);
    const embedded = await openEmbedded({ dataDir, servers: ['postgres', 'redis'], name: 'onsale' });
    const all = {
      ...{ DATABASE_URL: embedded.databaseUrl as string, REDIS_URL: embedded.redisUrl as string },
      ...{ AUTH_SECRET, DEMO_DATA: 'off', RATE_LIMITS: 'off', NODE_ENV: 'production', CHARGES: 'open' },
      // The users of a load order more than one person does.
      ...{ UNPAID_ORDERS_PER_USER: '1000000', UNPAID_PIECES_PER_USER: '1000000000', ...env },
    };
    const processes: AppProcess[] = [];
    for (let i = 0; i < count; i++) processes.push(await startProcess(all, undefined, root));
    return new Servers(processes, embedded, dataDir);
  }

  get databaseUrl(): string {
    return this.#embedded.databaseUrl as string;
  }

  get url(): string {
    return this.processes[0]?.url ?? '';
  }

  get pids(): number[] {
    return this.processes.map(({ child }) => child.pid ?? 0);
  }

  /** Answers the data of an operation that an operator asks for. */
  async asOperator<T>(query: string, variables: object): Promise<T> {
    const { rows } = await this.pool.query<{ id: string }>(`select id from user_account where role = 'OPERATOR'`);
    const { accessToken } = newUser('OPERATOR', rows[0]?.id);
    const response = await fetch(this.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${accessToken}` },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = (await response.json()) as { data: T; errors?: unknown };
    if (errors) throw new Error(JSON.stringify(errors));
    return data;
  }

  /** @returns the id of a new queue */
  async makeQueue(input: { capacity: number; admitPerMinute?: number; activeSeconds?: number }): Promise<string> {
    const query = 'mutation ($input: CreateQueueInput!) { createQueue(input: $input) { id } }';
    const made = await this.asOperator<{ createQueue: { id: string } }>(query, {
      input: { name: 'a bench', maxWaiting: 1_000_000, awaySeconds: 3_600, ...input },
    });
    return made.createQueue.id;
  }

  async changeQueue(id: string, input: object): Promise<void> {
    const query = 'mutation ($input: UpdateQueueInput!) { updateQueue(input: $input) { id } }';
    await this.asOperator(query, { input: { id, ...input } });
  }

  async close(): Promise<void> {
    if (!Servers.#open.delete(this)) return;
    await Promise.all(this.processes.map((started) => started.stop()));
    this.redis.disconnect();
    await this.pool.end();
    await this.#embedded.close();
    await rm(this.#dataDir, { recursive: true, force: true });
  }
}
