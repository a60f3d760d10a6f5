import { forkOf, type Platform } from '../platform/platform.ts';
import { sql } from '../platform/postgres.ts';
import { transact } from '../platform/transact.ts';

/** Public ids kept in one row; each is 32 bytes. */
export const IDS_PER_PART = 1_000;

/**
 * Keeps a drawn order, and with it reveals the seed and lets the queue be OPEN unless it was closed meanwhile. What is
 * kept already stays as it is: the same entries and the same seed make the same order.
 * @param order by lane, public ids in lower-case hex in the order drawn
 */
export async function keepDraw(
  platform: Platform,
  queueId: string,
  order: ReadonlyMap<string, readonly string[]>,
): Promise<void> {
  const em = forkOf(platform);
  let entrants = 0;
  for (const [lane, ids] of order) {
    entrants += ids.length;
    for (let from = 0; from < ids.length; from += IDS_PER_PART) {
      const part = Buffer.from(ids.slice(from, from + IDS_PER_PART).join(''), 'hex');
      await sql(em, 'insert into queue_shuffle_part values ($1, $2, $3, $4) on conflict do nothing', [
        ...[queueId, Number(lane), from / IDS_PER_PART, part],
      ]);
    }
  }
  await transact(em, async (inner) => {
    await sql(
      inner,
      `update queue_shuffle set entrants = $2, drawn_at = clock_timestamp() where queue_id = $1 and drawn_at is null`,
      [queueId, entrants],
    );
    await sql(inner, `update queue set state = 'OPEN', version = version + 1 where id = $1 and state = 'SCHEDULED'`, [
      queueId,
    ]);
  });
}
