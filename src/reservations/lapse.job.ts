import type { EntityManager } from '@mikro-orm/core';
import type { EventData } from '../commands/event-types.ts';
import { writeOutbox } from '../commands/outbox.ts';
import { runAlone } from '../commands/runner.ts';
import { type Seat, toSeats } from '../concerts/seat.ts';
import { publishSeats } from '../concerts/seat-change.ts';
import type { Job } from '../platform/jobs.ts';
import { NOW_ONCE, sql } from '../platform/postgres.ts';
import { SECOND } from '../platform/units.ts';
import { lapsed } from './reservation.ts';

/** Reservations swept in one transaction. */
const MAX_AT_ONCE = 200;

/**
 * Frees the seats of lapsed holds and publishes the changes to subscribers. No answer depends on it: a lapsed hold has
 * no effect from the instant it ends.
 */
export const lapseHolds: Job = {
  name: 'lapse-holds',
  everyMs: SECOND,
  async run(platform) {
    let swept: number;
    do {
      const { seats, count } = await runAlone(platform, sweep);
      publishSeats(platform, seats);
      swept = count;
    } while (swept === MAX_AT_ONCE);
  },
};

/** Ends lapsed holds, with locks in LOCK_ORDER; skips reservations that another transaction has locked. */
async function sweep(em: EntityManager): Promise<{ seats: Seat[]; count: number }> {
  const overdue = await sql<{ id: string }>(
    em,
    `select id from reservation where status = 'HELD' and expires_at <= ${NOW_ONCE}
     order by expires_at limit $1 for update skip locked`,
    [MAX_AT_ONCE],
  );
  if (overdue.length === 0) return { seats: [], count: 0 };
  const ids = overdue.map(({ id }) => id);
  await sql(
    em,
    `select id from seat where id in (select seat_id from hold where reservation_id = any($1)) order by id for update`,
    [ids],
  );
  const rows = await sql<object>(
    em,
    `with freed as (delete from hold where reservation_id = any($1) returning seat_id)
     update seat s set revision = s.revision + 1 from freed where s.id = freed.seat_id
     returning s.id, s.show_id as "showId", s.number, s.label, s.section, s.price, 'AVAILABLE' as status, s.revision`,
    [ids],
  );
  const ended = await sql<EventData<'reservation.lapsed.v1'>>(
    em,
    `update reservation set status = 'EXPIRED' where id = any($1) and status = 'HELD'
     returning id as "reservationId", user_id as "userId", show_id as "showId", seat_ids as "seatIds", amount`,
    [ids],
  );
  await writeOutbox(
    em,
    ended.map((data) => ({ event: lapsed(data), requestId: undefined })),
  );
  return { seats: toSeats(rows), count: overdue.length };
}
