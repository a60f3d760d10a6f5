import type pg from 'pg';
import { expect } from 'vitest';
import { violationsOf } from './builders.ts';
import type { Buyer } from './client.ts';

/** What the audit reads and a test may break. */
const TABLES = ['entry', 'wallet', 'payment', 'ticket', 'hold', 'reservation', 'show'];

const INDEXES = ['payment_once', 'payment_token_once', 'entry_cancels_once', 'entry_payment_once'];

/** Takes away what PostgreSQL itself refuses, so that rows can be broken by hand. */
export async function makeBreakable(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<{ text: string }>(
    `select format('alter table %s drop constraint %I cascade', conrelid::regclass, conname) as text
     from pg_constraint where contype in ('c', 'u', 'p') and conrelid::regclass::text = any($1)
       and conrelid::regclass::text not in ('reservation', 'show')
     order by contype = 'p', contype = 'u'`,
    [TABLES],
  );
  const indexes = INDEXES.map((name) => `drop index ${name}`);
  for (const text of [...rows.map((row) => row.text), ...indexes]) await pool.query(text);
  await pool.query('alter table entry disable trigger user');
}

/**
 * What `work` answers after `text` has broken rows, which are put back afterwards.
 * @throws Error when it breaks none
 */
export async function whileBroken<T>(
  pool: pg.Pool,
  text: string,
  params: unknown[],
  work: () => Promise<T>,
): Promise<T> {
  for (const table of TABLES) await pool.query(`create table kept_${table} as select * from ${table}`);
  try {
    if ((await pool.query(text, params)).rowCount === 0) throw new Error(`breaks nothing: ${text}`);
    return await work();
  } finally {
    await putBack(pool);
  }
}

async function putBack(pool: pg.Pool): Promise<void> {
  const client = await pool.connect();
  await client.query('begin');
  await client.query('set local session_replication_role = replica');
  for (const table of TABLES) {
    await client.query(`delete from ${table}`);
    await client.query(`insert into ${table} select * from kept_${table}`);
    await client.query(`drop table kept_${table}`);
  }
  await client.query('commit');
  client.release();
}

/**
 * What the audit says after `break_`; then `mend` puts the rows back, and it has nothing to say.
 * @throws Error when `break_` breaks nothing
 */
export async function violationsWhile(
  pool: pg.Pool,
  operator: Buyer,
  break_: string,
  mend: string,
): Promise<Record<string, string[]>> {
  if ((await pool.query(break_)).rowCount === 0) throw new Error(`breaks nothing: ${break_}`);
  const broken = await violationsOf(operator);
  await pool.query(mend);
  expect(await violationsOf(operator)).toEqual({});
  return broken;
}
