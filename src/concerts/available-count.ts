import type { Batch, Context } from '../api/context.ts';
import { perProcess } from '../platform/platform.ts';
import { sql } from '../platform/postgres.ts';

/** Counts are told for at most this long, so that they are never older than a second when they arrive. */
const FRESH_MS = 500;
const MOST_REMEMBERED = 10_000;

interface Count {
  readonly at: number;
  readonly free: Promise<Map<string, number>>;
}

const counts = perProcess(() => new Map<string, Count>());

/** Free seats of each show, at most a second old; however many ask at once, they are counted once. */
export const availableCounts: Batch<number> = async (context, showIds) => {
  const known = counts(context.platform);
  const now = Date.now();
  const stale = [...new Set(showIds)].filter((id) => now - (known.get(id)?.at ?? 0) > FRESH_MS);
  if (stale.length > 0) {
    if (known.size > MOST_REMEMBERED) known.clear();
    const free = countFree(context, stale);
    for (const id of stale) known.set(id, { at: now, free });
    free.catch(() => {
      for (const id of stale) known.delete(id);
    });
  }
  return Promise.all(showIds.map(async (id) => (await known.get(id)?.free)?.get(id) ?? 0));
};

async function countFree(context: Context, showIds: readonly string[]): Promise<Map<string, number>> {
  const rows = await sql<{ id: string; free: number }>(
    context.em,
    `select s.id, (s.seat_count
       - (select count(*) from ticket t where t.show_id = s.id)
       - (select count(*) from hold h where h.show_id = s.id and h.expires_at > clock_timestamp()))::int as free
     from show s where s.id = any($1)`,
    [showIds],
  );
  return new Map(rows.map(({ id, free }) => [id, free]));
}
