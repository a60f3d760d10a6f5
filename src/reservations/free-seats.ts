import type { EntityManager } from '@mikro-orm/core';
import { type Seat, toSeats } from '../concerts/seat.ts';
import { lockSeats } from '../legacy/lock-order.ts';
import { sql } from '../platform/postgres.ts';

/**
 * Gives up the holds of reservations that the caller has locked, and makes those that were HELD RELEASED or EXPIRED.
 * Seats that somebody else has taken over meanwhile are left alone.
 * @returns how the freed seats stand now
 */
export async function freeSeats(
  em: EntityManager,
  reservationIds: readonly string[],
  status: 'RELEASED' | 'EXPIRED',
): Promise<Seat[]> {
  const holds = await sql<{ seat_id: string }>(em, 'select seat_id from hold where reservation_id = any($1)', [
    reservationIds,
  ]);
  await lockSeats(
    em,
    holds.map((hold) => hold.seat_id),
  );
  const rows = await sql<object>(
    em,
    `with freed as (
       delete from hold where reservation_id = any($1) returning seat_id
     ), ended as (
       update reservation set status = $2 where id = any($1) and status = 'HELD'
     )
     update seat s set revision = s.revision + 1 from freed where s.id = freed.seat_id
     returning s.id, s.show_id as "showId", s.number, s.label, s.section, s.price::float8 as price,
       'AVAILABLE' as status, s.revision`,
    [reservationIds, status],
  );
  return toSeats(rows);
}
