import type { EntityManager } from '@mikro-orm/core';
import { type Seat, toSeats } from '../concerts/seat.ts';
import type { Pass } from '../context.ts';
import { newId } from '../platform/ids.ts';
import { anyOf, prepared, sql } from '../platform/postgres.ts';
import type { Asked } from './look-at-seats.ts';
import { RESERVATION_COLUMNS, type Reservation, type ReservationRow, toReservation } from './reservation.ts';

/** A new reservation, and how its seats stand now. */
export interface Held {
  readonly reservation: Reservation;
  readonly seats: Seat[];
}

/**
 * Holds seats that are locked and were judged free. A lapsed hold is taken over in place: its lapse and the new hold
 * are two changes of the seat.
 * @param asked `id` of the reservation is made up when left out
 * @throws Error when a seat turns out to be held or sold after all: then nothing is held
 */
export async function holdSeats(
  em: EntityManager,
  asked: Asked & { readonly id?: string },
  pass: Pass | null,
  holdSeconds: number,
): Promise<Held> {
  const { id = newId(), userId, showId, seatIds } = asked;
  const rows = await sql<{ reservation: ReservationRow; seats: Seat[]; held: number }>(
    em,
    prepared(`with r as (
       insert into reservation (id, user_id, show_id, seat_ids, status, amount, queue_id, token_hash, expires_at)
       select $1::uuid, $2::uuid, $3::uuid, array_agg(id order by number), 'HELD', sum(price), $5::uuid, $6::text,
         clock_timestamp() + make_interval(secs => $7)
       from seat where id = ${anyOf(4)} returning *
     ), seats as (
       update seat s set revision = s.revision + case when h.seat_id is null then 1 else 2 end
       from seat old left join hold h on h.seat_id = old.id
       where old.id = ${anyOf(4)} and s.id = old.id returning s.*
     ), holds as (
       insert into hold (seat_id, reservation_id, show_id, user_id, expires_at)
       select s.id, r.id, r.show_id, r.user_id, r.expires_at from seats s, r order by s.id
       on conflict (seat_id) do update
         set reservation_id = excluded.reservation_id, user_id = excluded.user_id, expires_at = excluded.expires_at
         where hold.expires_at <= clock_timestamp()
       returning seat_id
     )
     select (select row_to_json(x) from (select ${RESERVATION_COLUMNS} from r) x) as reservation,
       (select json_agg(json_build_object('id', id, 'showId', show_id, 'number', number, 'label', label, 'section', section,
         'price', price, 'status', 'HELD', 'revision', revision) order by number) from seats) as seats,
       (select count(*)::int from holds) as held`),
    [id, userId, showId, seatIds, pass?.queueId ?? null, pass?.tokenHash ?? null, holdSeconds],
  );
  const [row] = rows;
  if (!row || row.held !== seatIds.length) throw new Error('seats judged free under their locks were not');
  return { reservation: toReservation(row.reservation), seats: toSeats(row.seats) };
}
