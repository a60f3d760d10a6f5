import type pg from 'pg';
import { expect } from 'vitest';
import { violationsOf } from './builders.ts';
import type { Buyer } from './client.ts';

/** What the audit reads and a test may break, in the order in which rows refer to each other. */
const OF_SHOP = ['sale', 'sale_change', 'order_line', 'shop_order', 'issued_coupon', 'coupon', 'product'];
const OF_MONEY = ['entry', 'refund_line', 'refund', 'wallet', 'payment', 'ticket', 'hold'];
const OF_SEATS = ['reservation', 'seat', 'show'];
const TABLES = [...OF_SHOP, ...OF_MONEY, ...OF_SEATS];

const INDEXES = [
  'payment_once',
  'payment_once_per_order',
  'payment_token_once',
  'entry_cancels_once',
  'entry_payment_once',
  'entry_refund_once',
  'shop_order_coupon_once',
];

/** Takes away what PostgreSQL itself refuses, so that rows can be broken by hand. */
export async function makeBreakable(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<{ text: string }>(
    `select format('alter table %s drop constraint %I cascade', conrelid::regclass, conname) as text
     from pg_constraint where conrelid::regclass::text = any($1)
       and (contype in ('c', 'f', 'u') or contype = 'p' and conrelid::regclass::text = any($2))
     order by contype = 'p', contype = 'u'`,
    [TABLES, OF_MONEY],
  );
  const indexes = INDEXES.map((name) => `drop index ${name}`);
  const triggers = TABLES.map((table) => `alter table ${table} disable trigger user`);
  for (const text of [...rows.map((row) => row.text), ...indexes, ...triggers]) await pool.query(text);
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
    const columns = await writableColumns(client, table);
    await client.query(`delete from ${table}`);
    await client.query(
      `insert into ${table} (${columns}) overriding system value select ${columns} from kept_${table}`,
    );
    await client.query(`drop table kept_${table}`);
  }
  await client.query('commit');
  client.release();
}

async function writableColumns(client: pg.PoolClient, table: string): Promise<string> {
  const { rows } = await client.query<{ columns: string }>(
    `select string_agg(quote_ident(attname), ', ') as columns from pg_attribute
     where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''`,
    [table],
  );
  return rows[0]?.columns ?? '';
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
