import { forkOf, type Platform } from '../../platform/platform.ts';
import { sql } from '../../platform/postgres.ts';
import { transact } from '../../platform/transact.ts';

/** Public ids kept in one row; each is 32 bytes. */
export const IDS_PER_PART = 1_000;

/** By lane, public ids in lower-case hex in the order drawn. */
export type DrawnOrder = ReadonlyMap<string, readonly string[]>;

/**
 * Keeps a drawn order whole, and with it reveals the seed and lets the queue be OPEN unless it was closed meanwhile. An
 * order that is kept already stays as it is.
 * @returns the order that stands
 */
export async function keepDraw(platform: Platform, queueId: string, order: DrawnOrder): Promise<DrawnOrder> {
  const kept = await transact(forkOf(platform), async (em) => {
    const undrawn = 'select 1 from queue_shuffle where queue_id = $1 and drawn_at is null for update';
    if ((await sql(em, undrawn, [queueId])).length === 0) return false;
    let entrants = 0;
    for (const [lane, ids] of order) {
      entrants += ids.length;
      for (let from = 0; from < ids.length; from += IDS_PER_PART) {
        const part = Buffer.from(ids.slice(from, from + IDS_PER_PART).join(''), 'hex');
        const row = [queueId, Number(lane), from / IDS_PER_PART, part];
        await sql(em, 'insert into queue_shuffle_part values ($1, $2, $3, $4)', row);
      }
    }
    const reveal = 'update queue_shuffle set entrants = $2, drawn_at = clock_timestamp() where queue_id = $1';
    await sql(em, reveal, [queueId, entrants]);
    const open = `update queue set state = 'OPEN', version = version + 1 where id = $1 and state = 'SCHEDULED'`;
    await sql(em, open, [queueId]);
    return true;
  });
  return kept ? order : asKept(platform, queueId, order);
}

/**
 * The same entries drawn again make the same order. Where a Redis has forgotten its last moments, the order that
 * everybody has seen stands for all who are in it, and who entered since goes behind.
 */
async function asKept(platform: Platform, queueId: string, order: DrawnOrder): Promise<DrawnOrder> {
  const placed = new Map<string, readonly string[]>();
  for (const [lane, ids] of order) {
    const kept = await readKept(platform, queueId, lane);
    const [present, seen] = [new Set(ids), new Set(kept)];
    placed.set(lane, [...kept.filter((id) => present.has(id)), ...ids.filter((id) => !seen.has(id))]);
  }
  return placed;
}

async function readKept(platform: Platform, queueId: string, lane: string): Promise<string[]> {
  const parts = await sql<{ ids: string }>(
    forkOf(platform),
    `select encode(public_ids, 'hex') as ids from queue_shuffle_part where queue_id = $1 and priority = $2 order by part`,
    [queueId, Number(lane)],
  );
  return parts.flatMap(({ ids }) => ids.match(/.{64}/g) ?? []);
}
