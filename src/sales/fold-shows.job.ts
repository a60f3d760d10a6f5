import type { EntityManager } from '@mikro-orm/core';
import { runAlone } from '../commands/runner.ts';
import { FREE_SEATS, HELD_SEATS } from '../concerts/available-count.ts';
import type { Job } from '../platform/jobs.ts';
import { sql, sqlRow, tryLock } from '../platform/postgres.ts';
import { SECOND } from '../platform/units.ts';
import { foldedUntil } from './show-stats.ts';

/** Payments, and refunds, that one transaction adds up, about. */
const MAX_AT_ONCE = 10_000;
/** Transactions of one run; the next run goes on. */
const MAX_ROUNDS = 50;

/**
 * Adds payments and refunds up by show and minute, and counts the seats of shows at the end of each minute. It changes no
 * answer: what is not added up yet is read from the rows.
 */
export const foldShows: Job = {
  name: 'fold-shows',
  everyMs: 5 * SECOND,
  async run(platform) {
    for (let rounds = 0; rounds < MAX_ROUNDS && (await runAlone(platform, fold)); rounds++);
    await runAlone(platform, count);
  },
};

/**
 * Adds up what was committed since the last run. The rows and the instant up to which they are added are written together,
 * so that a crash neither loses nor doubles any.
 * @returns whether there is more to add up
 */
async function fold(em: EntityManager): Promise<boolean> {
  if (!(await tryLock(em, 'fold-shows'))) return false;
  const folded = await foldedUntil(em);
  const before = await oldestChange(em);
  // A statement of its own, begun after the oldest change was looked for: it sees everything from before that instant.
  const { until, isAll } = await sqlRow<{ until: string; isAll: boolean }>(
    em,
    `with span as (
       select least($1::timestamptz,
         (select created_at from payment where created_at > $2::timestamptz order by created_at offset $3 limit 1),
         (select created_at from refund where created_at > $2::timestamptz order by created_at offset $3 limit 1)) as until
     )
     select until::text, until = $1::timestamptz as "isAll" from span`,
    [before, folded, MAX_AT_ONCE],
  );
  await sql(
    em,
    `with change as (
       select show_id, date_trunc('minute', at, 'UTC') as minute, sum(sold)::int as sold, sum(revenue)::bigint as revenue,
         sum(refunds)::bigint as refunds, sum(failed)::int as failed
       from show_change where at >= $1::timestamptz and at < $2::timestamptz group by 1, 2
     )
     merge into show_minute m using change c on m.show_id = c.show_id and m.minute = c.minute
     when matched then update set sold = m.sold + c.sold, revenue = m.revenue + c.revenue,
       refunds = m.refunds + c.refunds, failed = m.failed + c.failed
     when not matched then insert (show_id, minute, sold, revenue, refunds, failed)
       values (c.show_id, c.minute, c.sold, c.revenue, c.refunds, c.failed)`,
    [folded, until],
  );
  await sql(em, 'update show_minute_fold set folded_until = $1::timestamptz where folded_until < $1::timestamptz', [
    until,
  ]);
  return !isAll;
}

/**
 * An instant before which every payment and refund is committed, or never will be. Their time is read within their
 * transaction, so that what is under way is not older than the oldest transaction. Others than those of this product count
 * once they have written.
 */
async function oldestChange(em: EntityManager): Promise<string> {
  const { at } = await sqlRow<{ at: string }>(
    em,
    `select least(clock_timestamp(), min(xact_start))::text as at from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null
       and (application_name = 'onsale' or backend_xid is not null)`,
  );
  return at;
}

/** Notes, once a minute, how many seats are held and free, of shows of which some are held or were sold. */
async function count(em: EntityManager): Promise<void> {
  if (!(await tryLock(em, 'fold-shows'))) return;
  await sql(
    em,
    `with turn as (
       update show_minute_fold set counted_until = date_trunc('minute', clock_timestamp(), 'UTC')
       where counted_until < date_trunc('minute', clock_timestamp(), 'UTC')
       returning counted_until - interval '1 minute' as minute
     ), busy as (
       select h.show_id from hold h, turn where h.expires_at > clock_timestamp()
       union
       select m.show_id from show_minute m, turn where m.minute = turn.minute
       union
       select m.show_id from show_minute m, turn where m.minute = turn.minute - interval '1 minute' and m.held > 0
     ), counted as (
       select s.id as show_id, turn.minute, ${HELD_SEATS} as held, ${FREE_SEATS} as free
       from turn, busy join show s on s.id = busy.show_id
     )
     merge into show_minute m using counted c on m.show_id = c.show_id and m.minute = c.minute
     when matched then update set held = c.held, free = c.free
     when not matched then insert (show_id, minute, held, free) values (c.show_id, c.minute, c.held, c.free)`,
  );
}
