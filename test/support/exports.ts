import { type IncomingMessage, request } from 'node:http';
import type pg from 'pg';
import type { Buyer } from './client.ts';

/** A link to the sales that a filter selects, as `exportSales` answers it. */
export async function exportLink(operator: Buyer, filter: object = {}): Promise<{ url: string; expiresAt: string }> {
  const query = 'mutation ($filter: SalesFilter) { exportSales(input: { filter: $filter }) { url expiresAt } }';
  return (await operator.get(query, { filter })).exportSales;
}

/** Opens a link at a process; the body is not read yet. */
export function open(processUrl: string, link: string, method = 'GET'): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(new URL(link, processUrl), { method, agent: false }, resolve).on('error', reject).end();
  });
}

/** The whole body. @throws Error when the connection ends before it does */
export async function bodyOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** Adds so many COMPLETED payments for one reservation each, past the product, a millisecond apart. */
export async function addPayments(pool: pg.Pool, count: number, showId: string, userId: string): Promise<void> {
  await pool.query(
    `with numbered as (
       select n, gen_random_uuid() as reservation_id from generate_series(1, $1::int) n
     ), reserved as (
       insert into reservation (id, user_id, show_id, seat_ids, seat_prices, status, amount, expires_at)
       select reservation_id, $3::uuid, $2::uuid, s.ids, '{1000}', 'CONFIRMED', 1000, clock_timestamp()
       from numbered, (select array(select id from seat where show_id = $2::uuid order by number limit 1) as ids) s
     )
     insert into payment (id, user_id, reservation_id, amount, status, created_at)
     select gen_random_uuid(), $3::uuid, reservation_id, 1000 + n % 50, 'COMPLETED',
       clock_timestamp() - interval '1 day' + n * interval '1 millisecond' from numbered`,
    [count, showId, userId],
  );
  await pool.query('vacuum analyze payment, reservation');
}

/** How many connections PostgreSQL has that send a file. */
export async function exportConnections(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ n: number }>(
    `select count(*)::int as n from pg_stat_activity where datname = current_database() and application_name = 'onsale-alone'`,
  );
  return rows[0]?.n ?? 0;
}
