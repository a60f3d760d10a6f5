import type { Context } from '../api/context.ts';
import { CoalescedQuery } from '../platform/coalesced-query.ts';
import { forkOf, perProcess } from '../platform/platform.ts';
import { sql } from '../platform/postgres.ts';
import { FREE_SEATS } from './available-count.ts';
import { Show } from './show.ts';

const queries = perProcess(() => new CoalescedQuery<object[]>());

/**
 * Shows of the concert that are on sale now and have a free seat, soonest first. Requests at the same time share one
 * query.
 */
export async function availableDates(context: Context, concertId: string): Promise<Show[]> {
  const rows = await queries(context.platform).run(concertId, () =>
    sql<object>(
      forkOf(context.platform),
      `select s.* from show s
       where s.concert_id = $1 and not exists (select from concert where id = $1 and withdrawn_at is not null)
         and s.sales_open_at <= clock_timestamp() and s.sales_close_at > clock_timestamp()
         and ${FREE_SEATS} > 0
       order by s.starts_at, s.id`,
      [concertId],
    ),
  );
  return rows.map((row) => context.em.map(Show, { ...row }));
}
