import { type EntityClass, type EntityManager, type MigrationObject, Type } from '@mikro-orm/core';
import { ReflectMetadataProvider } from '@mikro-orm/decorators/legacy';
import { Migrator } from '@mikro-orm/migrations';
import { defineConfig, MikroORM, type PostgreSqlConnection } from '@mikro-orm/postgresql';
import { CompiledQuery, type Kysely } from 'kysely';
import type { Pool, PoolClient, TypeOverrides } from 'pg';
import type { Log } from './log.ts';
import { SECOND } from './units.ts';
import { currentWork } from './work.ts';

/** Most connections of one process; for N processes PostgreSQL must allow N times as many. */
export const POOL_SIZE = 10;

/** Time limits of a connection, in milliseconds; a request that meets all of them still ends within 3 s. */
const LIMITS_MS = {
  connectionTimeoutMillis: 2 * SECOND,
  query_timeout: 2.5 * SECOND,
  lock_timeout: 1 * SECOND,
  statement_timeout: 5 * SECOND,
  idle_in_transaction_session_timeout: 5 * SECOND,
} as const;

/**
 * In memory and on flash a page that an index finds costs about as much as the next page. With PostgreSQL's default of
 * 4, made for turning disks, small tables are read whole instead.
 */
const PLANNING = '-c random_page_cost=1.1';

export type Orm = MikroORM;

/**
 * Connects to `url` and knows `entities` and `migrations`. Nothing is read or changed yet; a server that does not
 * answer is reported by the first query.
 */
export async function openPostgres(
  url: string,
  entities: EntityClass<unknown>[],
  migrations: MigrationObject[],
  log: Log,
): Promise<Orm> {
  const waits: Waits = new Set();
  const orm = await MikroORM.init(
    defineConfig({
      clientUrl: url,
      entities: entities as EntityClass<object>[],
      metadataProvider: ReflectMetadataProvider,
      extensions: [Migrator],
      // MikroORM checks the versions of several rows apart from their update when it writes them together, and loses
      // updates.
      useBatchUpdates: false,
      persistOnCreate: false,
      // Accessors on each entity keep both sides of a relation true; there are none here, and making them costs a batch
      // more than its decisions.
      propagationOnPrototype: false,
      migrations: { migrationsList: migrations, snapshot: false, allOrNothing: true },
      pool: { min: 0, max: POOL_SIZE },
      driverOptions: {
        ...LIMITS_MS,
        keepAlive: true,
        application_name: 'onsale',
        options: PLANNING,
        onPoolCreated: (pool: Pool) => {
          watchClients(pool, log);
          watchWaits(pool, waits);
        },
      },
      discovery: { warnWhenNoEntities: false },
      logger: (message) => log.debug(message),
      debug: ['info'],
      colors: false,
    }),
  );
  waitsOf.set(orm, waits);
  return orm;
}

/**
 * Runs one parameterised statement, within `em`'s transaction if it has one.
 * @param text SQL with $1, $2 ... ; arrays are passed as PostgreSQL arrays
 * @returns the rows, with the columns' names as keys: bigint arrives as number, timestamptz as Date, date as text
 */
export async function sql<Row>(em: EntityManager, text: string, params: readonly unknown[] = []): Promise<Row[]> {
  const client = em.getTransactionContext<Kysely<unknown>>() ?? kyselyOf(em);
  const result = await client.executeQuery(CompiledQuery.raw(text, [...params]));
  return result.rows as Row[];
}

/** Like `sql`, for statements that answer exactly one row. */
export async function sqlRow<Row>(em: EntityManager, text: string, params: readonly unknown[] = []): Promise<Row> {
  const [row] = await sql<Row>(em, text, params);
  if (!row) throw new Error(`expected one row from: ${text.slice(0, 80)}`);
  return row;
}

/**
 * Takes an advisory lock until the end of `em`'s transaction, for jobs of which one process at a time is enough.
 * @returns whether it was free; nobody waits for it
 */
export async function tryLock(em: EntityManager, name: string): Promise<boolean> {
  const text = 'select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as "isMine"';
  return (await sqlRow<{ isMine: boolean }>(em, text, [name])).isMine;
}

/**
 * Deletes rows in statements of at most `atOnce` each, so that none holds its locks for long.
 * @param text a `delete` that takes `atOnce` as $1 and ends in `returning 1`
 */
export async function deleteInRounds(em: EntityManager, text: string, atOnce: number): Promise<void> {
  for (let deleted = atOnce; deleted === atOnce; ) deleted = (await sql(em, text, [atOnce])).length;
}

/**
 * The present time, evaluated once in a statement, so that an index can be used; the plain function is evaluated per
 * row.
 */
export const NOW_ONCE = '(select clock_timestamp())';

/** PostgreSQL's clock at this moment. */
export async function readClock(em: EntityManager): Promise<Date> {
  return (await sqlRow<{ now: Date }>(em, 'select clock_timestamp() as now')).now;
}

const preparedNames = new Map<string, string>();

/**
 * Marks a statement of the busiest verbs: each connection prepares it once, so that PostgreSQL does not parse and plan
 * it again. Its columns must be listed, because a prepared `*` fails when a column is added.
 */
export function prepared(text: string): string {
  if (!preparedNames.has(text)) preparedNames.set(text, `onsale_${preparedNames.size}`);
  return text;
}

/**
 * The condition `any($1)` for a statement that is `prepared`. PostgreSQL assumes ten elements for a list that it cannot
 * inspect, and plans `any($1)` again whenever a shorter list looks cheaper.
 * @param parameter the number of the parameter, a list of elements of `type`
 */
export function anyOf(parameter: number, type = 'uuid'): string {
  return `any((select $${parameter}::${type}[])::${type}[])`;
}

/** A column of bytes, as lower-case hex. */
export class HexType extends Type<string | null, Buffer | null> {
  override convertToDatabaseValue(hex: string | null): Buffer | null {
    return hex === null ? null : Buffer.from(hex, 'hex');
  }

  override convertToJSValue(bytes: Buffer | null): string | null {
    return bytes?.toString('hex') ?? null;
  }

  override compareAsType(): string {
    return 'Buffer';
  }

  override getColumnType(): string {
    return 'bytea';
  }
}

/** Applies the migrations that are missing; processes that start together wait for one another. */
export async function migrate(orm: Orm): Promise<void> {
  await withAdvisoryLock(orm.em.fork(), 'migrate', async () => {
    if (!(await isMigrated(orm))) await orm.migrator.up();
  });
}

/** Whether no migration is missing. The migrator takes as long to find out as the rest of connecting. */
async function isMigrated(orm: Orm): Promise<boolean> {
  const { migrationsList = [], tableName = '' } = orm.config.get('migrations');
  const { isKnown } = await sqlRow<{ isKnown: boolean }>(
    orm.em.fork(),
    'select to_regclass($1) is not null as "isKnown"',
    [tableName],
  );
  if (!isKnown) return false;
  const applied = await sql<{ name: string }>(orm.em.fork(), `select name from ${tableName}`);
  const names = new Set(applied.map(({ name }) => name));
  return (migrationsList as MigrationObject[]).every(({ name }) => names.has(name));
}

/** Runs `work` under the named advisory lock of this database. @throws Error when the lock is not free within 30 s */
export async function withAdvisoryLock<T>(em: EntityManager, name: string, work: () => Promise<T>): Promise<T> {
  const client = await (await poolOf(em)).connect();
  try {
    await client.query({
      text: "set lock_timeout = '30s'; set statement_timeout = 0",
      query_timeout: 40 * SECOND,
    } as never);
    const lock = {
      text: 'select pg_advisory_lock(hashtextextended($1, 0))',
      values: [name],
      query_timeout: 40 * SECOND,
    };
    await client.query(lock as never);
    return await work();
  } finally {
    // Closing the connection releases the lock in whatever state `work` left the connection.
    client.release(true);
  }
}

/** Whether the database answers within the time limits. */
export async function pingPostgres(orm: Orm): Promise<void> {
  await sql(orm.em.fork(), 'select 1');
}

/** The URL of the database. */
export function urlOf(orm: Orm): string {
  return orm.config.get('clientUrl') ?? '';
}

/** The connection pool under `em`. */
export function poolOf(em: EntityManager): Promise<Pool> {
  return (em.getConnection() as unknown as PostgreSqlConnection).getNativeClient();
}

function kyselyOf(em: EntityManager): Kysely<unknown> {
  return (em.getConnection() as unknown as PostgreSqlConnection).getClient();
}

/** Work that waits for a connection, the oldest first. */
type Waits = Set<{ readonly since: number }>;

const waitsOf = new WeakMap<Orm, Waits>();

/** How long some work has been waiting for a connection by now, in milliseconds; 0 where none waits. */
export function longestWaitMs(orm: Orm): number {
  const [oldest] = waitsOf.get(orm) ?? [];
  return oldest === undefined ? 0 : performance.now() - oldest.since;
}

function watchWaits(pool: Pool, waits: Waits): void {
  const connect = pool.connect.bind(pool);
  const watched = (): Promise<PoolClient> => {
    const wait = { since: performance.now() };
    waits.add(wait);
    return connect().finally(() => waits.delete(wait));
  };
  Object.assign(pool, { connect: watched });
}

/** OIDs of the types whose text is made a value here: bigint and timestamptz. */
const INT8 = 20;
const TIMESTAMPTZ = 1184;

function watchClients(pool: Pool, log: Log): void {
  const { types } = (pool as unknown as { options: { types: TypeOverrides } }).options;
  types.setTypeParser(INT8, Number);
  types.setTypeParser(TIMESTAMPTZ, (text) => new Date(text));
  pool.on('connect', (client) => {
    watchQueries(client, log);
    releaseWhenEnded(client);
  });
}

/**
 * Tells the work of a request how long its statements take. A connection whose query timed out in the client still
 * waits for the answer, and later queries would wait behind it: it is closed instead of going back into the pool.
 */
function watchQueries(client: PoolClient, log: Log): void {
  const query = client.query.bind(client) as (...args: unknown[]) => unknown;
  const watched = (text: unknown, ...rest: unknown[]): unknown => {
    const name = preparedNames.get(text as string);
    const work = currentWork();
    const began = performance.now();
    const answer = name === undefined ? query(text, ...rest) : query({ name, text, values: rest[0] });
    if (answer instanceof Promise) {
      const note = (): void => work?.noteStatement?.(String(text), performance.now() - began);
      answer.then(note, (error: Error & { detail?: string }) => {
        note();
        // It quotes the row, secrets and all, and MikroORM would add it to the message.
        delete error.detail;
        if (error.message !== 'Query read timeout') return;
        log.warn('a PostgreSQL connection stopped answering and is ended');
        (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
      });
    }
    return answer;
  };
  Object.assign(client, { query: watched });
}

/**
 * Kysely keeps the connection of a transaction whose BEGIN, COMMIT or ROLLBACK failed (kysely issue 1990), and ten such
 * would be all there are: a connection that ended is given back for it, and giving it back again does nothing.
 */
function releaseWhenEnded(client: PoolClient): void {
  let release: PoolClient['release'] = () => undefined;
  Object.defineProperty(client, 'release', {
    get: () => release,
    // The pool sets a new one each time that it hands the connection out.
    set: (give: PoolClient['release']) => {
      let given = false;
      release = (broken) => {
        if (!given) give(broken);
        given = true;
      };
    },
  });
  client.once('end', () => release(true));
}
