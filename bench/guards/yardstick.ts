import { randomUUID } from 'node:crypto';
import type pg from 'pg';

/** What a charge does, without anything around it. */
const KEY = `insert into idempotency_key (user_id, mutation, key, hash, answer) values ($1, 'charge', $2, '', '{}')`;
const READ = 'select balance, version from wallet where user_id = $1';
const MOVE =
  'update wallet set balance = $2, version = $3, moved_on = current_date where user_id = $1 and version = $4';
const ENTRY = `insert into entry (id, wallet_id, seq, kind, amount, balance_before, balance_after)
  values ($1, $2, $3, 'CHARGE', 1, $4, $5)`;

/** Charges one wallet `count` times over one connection. @returns how many a second */
export async function oneAfterAnother(pool: pg.Pool, [userId]: string[], count: number): Promise<number> {
  const client = await pool.connect();
  const run = (name: string, text: string, values: unknown[]) => client.query({ name, text, values });
  const began = performance.now();
  for (let n = 0; n < count; n++) {
    await client.query('begin');
    await run('key', KEY, [userId, `${n}`]);
    await run('read', READ, [userId]);
    await run('move', MOVE, [userId, n + 1, n + 1, n]);
    await run('entry', ENTRY, [randomUUID(), userId, n + 1, n, n + 1]);
    await client.query('commit');
  }
  client.release();
  return Math.round((count * 1_000) / (performance.now() - began));
}
