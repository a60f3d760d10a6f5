import type { EntityManager } from '@mikro-orm/core';
import { type Seat, toSeats } from '../concerts/seat.ts';
import { sql } from '../platform/postgres.ts';

/**
 * Takes back the tickets of a reservation that is locked with its seats, and makes it CANCELLED: the seats are on sale
 * again.
 * @returns how they stand now
 */
export async function returnSeats(em: EntityManager, reservationId: string): Promise<Seat[]> {
  const rows = await sql<object>(
    em,
    `with returned as (
       delete from ticket where reservation_id = $1 returning seat_id
     ), ended as (
       update reservation set status = 'CANCELLED' where id = $1
     )
     update seat s set revision = s.revision + 1 from returned where s.id = returned.seat_id
     returning s.id, s.show_id as "showId", s.number, s.label, s.section, s.price::float8 as price,
       'AVAILABLE' as status, s.revision`,
    [reservationId],
  );
  return toSeats(rows);
}
