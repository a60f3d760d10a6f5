import type { EntityManager } from '@mikro-orm/core';
import { type Seat, toSeats } from '../concerts/seat.ts';
import { newId } from '../platform/ids.ts';
import { sql } from '../platform/postgres.ts';
import type { Reservation } from '../reservations/reservation.ts';

/**
 * Turns the holds on a reservation's locked seats into tickets, and confirms it. A hold that lapsed before is one more
 * change of the seat.
 * @returns how the seats stand now
 */
export async function sellSeats(em: EntityManager, reservation: Reservation): Promise<Seat[]> {
  const { id, seatIds } = reservation;
  const rows = await sql<object>(
    em,
    `with gone as (
       delete from hold where seat_id = any($2) returning seat_id, expires_at <= clock_timestamp() as lapsed
     ), confirmed as (
       update reservation set status = 'CONFIRMED' where id = $1 returning *
     ), sold as (
       insert into ticket (id, seat_id, reservation_id, show_id, user_id)
       select u.id, u.seat_id, r.id, r.show_id, r.user_id
       from confirmed r cross join unnest($3::uuid[], $2::uuid[]) as u (id, seat_id)
     )
     update seat s set revision = s.revision + case when gone.lapsed then 2 else 1 end
     from seat old left join gone on gone.seat_id = old.id
     where old.id = any($2) and s.id = old.id
     returning s.id, s.show_id as "showId", s.number, s.label, s.section, s.price::float8 as price,
       'SOLD' as status, s.revision`,
    [id, seatIds, seatIds.map(() => newId())],
  );
  return toSeats(rows);
}
