import { publishSeats } from '../concerts/seat-change.ts';
import { lockReservations } from '../legacy/lock-order.ts';
import { forkOf, type Platform } from '../platform/platform.ts';
import { sql } from '../platform/postgres.ts';
import { transact } from '../platform/transact.ts';
import { freeSeats } from './free-seats.ts';

/** Releases every live hold that was made under the token. */
export async function releaseHoldsOfToken(platform: Platform, tokenHash: string): Promise<void> {
  const em = forkOf(platform);
  const held = await sql<{ id: string }>(em, `select id from reservation where token_hash = $1 and status = 'HELD'`, [
    tokenHash,
  ]);
  if (held.length === 0) return;
  const seats = await transact(em, async (inner) => {
    const ids = held.map(({ id }) => id);
    await lockReservations(inner, ids);
    const live = await sql<{ id: string }>(
      inner,
      `select id from reservation where id = any($1) and status = 'HELD' and expires_at > clock_timestamp()`,
      [ids],
    );
    const liveIds = live.map(({ id }) => id);
    return freeSeats(inner, liveIds, 'RELEASED');
  });
  publishSeats(platform, seats);
}
