import type pg from 'pg';

/** What `work` answers while somebody at the database has what `lock` locks. */
export async function whileLocked<T>(
  pool: pg.Pool,
  lock: { readonly text: string; readonly values?: unknown[] },
  work: () => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query(lock);
    return await work();
  } finally {
    await client.query('rollback');
    client.release();
  }
}
