import { LRUCache } from 'lru-cache';
import type { Batch, Context } from '../api/context.ts';
import { perProcess } from '../platform/platform.ts';
import { sql } from '../platform/postgres.ts';

/**
 * Milliseconds for which a count is reused, so that it arrives less than a second old; and shows whose count is kept.
 */
const FRESH_MS = 500;
const MAX_SHOWS = 10_000;

/** SQL for the number of seats of the show `s` that have a ticket, that are held, and that can be reserved. */
export const SOLD_SEATS = '(select count(*) from ticket t where t.show_id = s.id)::int';
export const HELD_SEATS =
  '(select count(*) from hold h where h.show_id = s.id and h.expires_at > clock_timestamp())::int';
export const FREE_SEATS = `(case when s.cancelled_at is not null then 0
  else greatest(s.seat_count - ${SOLD_SEATS} - ${HELD_SEATS}, 0) end)`;

const counts = perProcess(() => new LRUCache<string, Promise<Map<string, number>>>({ max: MAX_SHOWS, ttl: FRESH_MS }));

/** Loads the number of free seats of each show, at most a second old; requests at the same time share one count. */
export const availableCounts: Batch<number> = async (context, showIds) => {
  const known = counts(context.platform);
  const found = new Map(showIds.map((id) => [id, known.get(id)]));
  const stale = [...found.keys()].filter((id) => !found.get(id));
  if (stale.length > 0) {
    const free = countFree(context, stale);
    for (const id of stale) {
      known.set(id, free);
      found.set(id, free);
    }
    free.catch(() => {
      for (const id of stale) known.delete(id);
    });
  }
  return Promise.all(showIds.map(async (id) => (await found.get(id))?.get(id) ?? 0));
};

async function countFree(context: Context, showIds: readonly string[]): Promise<Map<string, number>> {
  const rows = await sql<{ id: string; free: number }>(
    context.em,
    `select s.id, ${FREE_SEATS} as free from show s where s.id = any($1)`,
    [showIds],
  );
  return new Map(rows.map(({ id, free }) => [id, free]));
}
