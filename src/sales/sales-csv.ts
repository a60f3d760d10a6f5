import type { AloneClient } from '../platform/postgres-alone.ts';
import { type CheckedFilter, selectSales } from './sales-filter.ts';

/** Columns of the file: the name in the header line, and the SQL of the cell. */
const COLUMNS = {
  payment_id: 'p.id',
  time: timeOf('p.created_at'),
  user_id: 'p.user_id',
  user_name: 'u.name',
  status: 'p.status',
  amount: 'p.amount',
  refunded: 'p.refunded',
  paid_for: `case when p.order_id is null then 'reservation' else 'order' end`,
  paid_for_id: 'coalesce(p.order_id, p.reservation_id)',
  show_id: 'r.show_id',
  concert: 'c.title',
  venue: 's.venue',
  show_time: timeOf('s.starts_at'),
  seats: `(select string_agg(e.label, ', ' order by e.number) from seat e where e.id = any(r.seat_ids))`,
  order_lines: `case when p.order_id is not null then (select count(*) from order_line l where l.order_id = p.order_id) end`,
  failure: 'p.failure',
} as const;

/** Rows that are in memory at once. */
const ROWS_AT_ONCE = 500;

const BOM = '\ufeff';
const LINE_END = '\r\n';

/**
 * The sales that a filter selects, oldest first, as CSV of RFC 4180 in pieces: all from one snapshot, read as fast as the
 * pieces are taken.
 * @param client a connection that nobody else uses
 * @param timeZone IANA name: times are written with its offset
 */
export async function* salesAsCsv(
  client: AloneClient,
  filter: CheckedFilter,
  timeZone: string,
): AsyncGenerator<string, void, undefined> {
  await client.query('begin isolation level repeatable read read only');
  await client.query(`select set_config('TimeZone', $1, true)`, [timeZone]);
  // Compiling would keep the first row back for longer than it saves.
  await client.query('set local jit = off');
  const params: unknown[] = [];
  const { head, conditions } = selectSales(filter, (value) => `$${params.push(value)}`);
  await client.query(
    `declare sales no scroll cursor for
     ${head} select ${Object.values(COLUMNS).join(', ')}
     from payment p join user_account u on u.id = p.user_id
       left join reservation r on r.id = p.reservation_id left join show s on s.id = r.show_id
       left join concert c on c.id = s.concert_id
     ${conditions.length > 0 ? `where ${conditions.join(' and ')}` : ''} order by p.created_at, p.id`,
    params,
  );
  yield `${BOM}${lineOf(Object.keys(COLUMNS))}`;
  for (;;) {
    const { rows } = await client.query<unknown[]>({ text: `fetch ${ROWS_AT_ONCE} from sales`, rowMode: 'array' });
    if (rows.length === 0) return;
    yield rows.map(lineOf).join('');
  }
}

function lineOf(cells: readonly unknown[]): string {
  return `${cells.map(cellOf).join()}${LINE_END}`;
}

/**
 * A value as a cell. A program that opens the file may take a text that begins with one of these signs for a formula, and
 * run it, in some languages also with their full-width forms: an apostrophe before it keeps it a text. No number begins with one, because no amount is below 0.
 */
function cellOf(value: unknown): string {
  const text = value === null ? '' : String(value);
  const safe = /^[=+\-@\t\r\n＝＋－＠]/u.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** SQL for an instant as 2026-07-04T19:00:00+09:00, in the session's time zone. */
function timeOf(column: string): string {
  return `to_char(${column}, 'YYYY-MM-DD"T"HH24:MI:SSTZH:TZM')`;
}
