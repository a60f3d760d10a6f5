import { randomBytes } from 'node:crypto';
import pg from 'pg';

/** The URL of another database on the same server. */
export function databaseAt(url: string, name: string): string {
  const at = new URL(url);
  at.pathname = `/${name}`;
  return at.href;
}

export interface TestDatabase {
  readonly url: string;
  /** A pool to look at rows with, past the product. */
  readonly pool: pg.Pool;
  /** How many deadlocks there have been, once everybody but `pool` has gone: sooner PostgreSQL may not have counted them. */
  deadlocks(): Promise<number>;
  close(): Promise<void>;
}

/** A database of its own for one test file, made from the migrated template. */
export async function openDatabase(postgresUrl: string): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  // Found out long before lock_timeout, which would hide it, and before a client would ask again.
  await onServer(
    postgresUrl,
    `create database ${name} template template`,
    `alter database ${name} set deadlock_timeout = '100ms'`,
  );
  const url = databaseAt(postgresUrl, name);
  const pool = new pg.Pool({ connectionString: url, max: 4 });
  pool.on('error', () => undefined);
  return {
    url,
    pool,
    deadlocks: async () => {
      const { rows } = await pool.query<{ deadlocks: number }>(
        'select deadlocks::int from pg_stat_database where datname = current_database()',
      );
      return rows[0]?.deadlocks ?? Number.NaN;
    },
    close: async () => {
      await pool.end();
      await onServer(postgresUrl, `drop database ${name} with (force)`);
    },
  };
}

/** Making a database from a template fails while another one is being made from it: they queue up behind a lock. */
async function onServer(postgresUrl: string, ...texts: string[]): Promise<void> {
  const client = new pg.Client(postgresUrl);
  await client.connect();
  try {
    await client.query('select pg_advisory_lock(1)');
    for (const text of texts) await client.query(text);
  } finally {
    await client.end();
  }
}
