import type { EntityManager } from '@mikro-orm/core';
import { loadScript, runScript } from '../platform/lua.ts';
import type { Platform } from '../platform/platform.ts';
import { sql } from '../platform/postgres.ts';
import { HOUR, MINUTE } from '../platform/units.ts';
import { queueKey } from './line/line.ts';

/** What happened in a queue in some time: the counts of that time, and how many were there at its end. */
export interface QueueRow {
  /** Its begin, in milliseconds since 1970 on Redis' clock. */
  readonly at: number;
  readonly waiting: number;
  readonly active: number;
  readonly entered: number;
  readonly admitted: number;
  readonly completed: number;
  readonly expired: number;
  /** Median wait of those admitted, in seconds; null when nobody was. */
  readonly medianWait: number | null;
}

/** A minute, with the number of rows that it was made from. */
export interface QueueMinute extends QueueRow {
  readonly rowCount: number;
}

const HISTORY = loadScript(import.meta.url, 'line/history');

/** Reads the rows of 5 seconds that Redis has of the last `ms` milliseconds, oldest first; it keeps them for a day. */
export async function readRows(platform: Platform, queueId: string, ms: number): Promise<QueueRow[]> {
  const rows = await runScript<string[]>(platform.redis, HISTORY, queueKey(queueId), [ms]);
  return rows.map((row) => {
    const [at = 0, waiting = 0, active = 0, entered = 0, admitted = 0, completed = 0, expired = 0, median = -1] =
      JSON.parse(row) as number[];
    return { at, waiting, active, entered, admitted, completed, expired, medianWait: median === -1 ? null : median };
  });
}

/** Adds rows up by the minute. @param rows oldest first */
function minutesOf(rows: readonly QueueRow[]): QueueMinute[] {
  return [...Map.groupBy(rows, ({ at }) => at - (at % MINUTE))].map(([at, some]) => {
    const sum = (count: (row: QueueRow) => number): number => some.reduce((total, row) => total + count(row), 0);
    const { waiting, active } = some.at(-1) as QueueRow;
    return {
      ...{ at, waiting, active, rowCount: some.length, medianWait: medianOf(some) },
      entered: sum(({ entered }) => entered),
      admitted: sum(({ admitted }) => admitted),
      completed: sum(({ completed }) => completed),
      expired: sum(({ expired }) => expired),
    };
  });
}

/** The median of the rows' medians, each counted as often as people were admitted in it; null when nobody was. */
function medianOf(rows: readonly QueueRow[]): number | null {
  const known = rows.filter(({ medianWait }) => medianWait !== null);
  const byWait = known.toSorted((a, b) => Number(a.medianWait) - Number(b.medianWait));
  const half = known.reduce((total, { admitted }) => total + admitted, 0) / 2;
  let passed = 0;
  for (const { admitted, medianWait } of byWait) {
    passed += admitted;
    if (passed >= half) return medianWait;
  }
  return null;
}

const COLUMNS = 'waiting, active, entered, admitted, completed, expired, median_wait, row_count';

/**
 * Keeps minutes of a queue. A minute that is kept already is replaced only by one that was made from more rows, so that
 * they may be written again, also after Redis has lost some of the rows.
 */
export async function keepMinutes(em: EntityManager, queueId: string, minutes: readonly QueueMinute[]): Promise<void> {
  await sql(
    em,
    `insert into queue_minute as kept (queue_id, minute, ${COLUMNS})
     select $1, to_timestamp(at / 1000), ${COLUMNS} from ${asRows('$2')} order by at
     on conflict (queue_id, minute) do update set (${COLUMNS}) = row (${COLUMNS.replace(/\w+/g, 'excluded.$&')})
     where excluded.row_count > kept.row_count`,
    [queueId, JSON.stringify(minutes)],
  );
}

/** Redis keeps rows for as long, in milliseconds. */
const DAY = 24 * HOUR;

/**
 * Adds up the rows in Redis of minutes that are not kept yet, and of the last one that is, which was not over then.
 * @param kept the last minute of the queue that is kept; null for none
 */
export async function readUnkept(platform: Platform, queueId: string, kept: Date | null): Promise<QueueMinute[]> {
  const from = kept?.getTime() ?? 0;
  // Redis and this process need not have the same time.
  const rows = await readRows(platform, queueId, Math.min(DAY, Math.max(0, Date.now() - from) + MINUTE));
  return minutesOf(rows.filter(({ at }) => at >= from));
}

/** SQL for the last minute that is kept of the queue `q`. */
export const LAST_KEPT = '(select max(m.minute) from queue_minute m where m.queue_id = q.id)';

/** Reads minutes that are kept of a queue, oldest first. @param from and @param to milliseconds since 1970 */
export async function readMinutes(
  em: EntityManager,
  queueId: string,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<QueueRow[]> {
  return sql<QueueRow>(
    em,
    `select (extract(epoch from minute) * 1000)::bigint as at, waiting, active, entered, admitted, completed, expired,
       median_wait as "medianWait"
     from queue_minute where queue_id = $1 and minute >= to_timestamp($2::bigint / 1000) and minute < to_timestamp($3::bigint / 1000)
     order by minute`,
    [queueId, from, to],
  );
}

/**
 * Adds up the minutes of a queue that are kept, and those given that are newer, by times of the same width, oldest first.
 * @param widthMinutes whole minutes
 * @param from milliseconds since 1970
 */
export async function readWide(
  em: EntityManager,
  queueId: string,
  { from, widthMinutes, newer }: { from: number; widthMinutes: number; newer: readonly QueueMinute[] },
): Promise<QueueRow[]> {
  return sql<QueueRow>(
    em,
    `with minutes as (
       select minute, ${COLUMNS} from queue_minute
       where queue_id = $1 and minute >= to_timestamp($2::bigint / 1000) and minute < to_timestamp($5::bigint / 1000)
       union all
       select to_timestamp(at / 1000), ${COLUMNS} from ${asRows('$4')}
     ), wide as (
       select *, date_bin(make_interval(mins => $3), minute, timestamptz 'epoch') as at from minutes
     ), waits as (
       select *, sum(admitted) over (partition by at order by median_wait, minute) as passed,
         sum(admitted) filter (where median_wait is not null) over (partition by at) as waited
       from wide
     )
     select (extract(epoch from at) * 1000)::bigint as at,
       (array_agg(waiting order by minute desc))[1] as waiting, (array_agg(active order by minute desc))[1] as active,
       sum(entered)::int as entered, sum(admitted)::int as admitted, sum(completed)::int as completed,
       sum(expired)::int as expired, min(median_wait) filter (where 2 * passed >= waited) as "medianWait"
     from waits group by waits.at order by waits.at`,
    [queueId, from, widthMinutes, JSON.stringify(newer), newer[0]?.at ?? Number.MAX_SAFE_INTEGER],
  );
}

/** SQL for minutes that a parameter holds as JSON. */
function asRows(parameter: string): string {
  return `(select at, waiting, active, entered, admitted, completed, expired, "medianWait" as median_wait, "rowCount" as row_count
    from json_to_recordset(${parameter}::json) as m (at bigint, waiting int, active int, entered int, admitted int, completed int,
      expired int, "medianWait" int, "rowCount" smallint)) given`;
}
