import type { EntityManager } from '@mikro-orm/core';
import type { Pass } from '../api/context.ts';
import { type Seat, toSeats } from '../concerts/seat.ts';
import { newId } from '../platform/ids.ts';
import { anyOf, prepared, sqlRow } from '../platform/postgres.ts';
import type { Reservation } from '../reservations/reservation.ts';
import { Payment } from './payment.ts';

/** A payment made, and how its seats stand now. */
export interface Sale {
  readonly payment: Payment;
  readonly seats: Seat[];
}

/**
 * Turns the holds on a reservation's locked seats into tickets under a COMPLETED payment, and confirms it. A hold that
 * lapsed before is one more change of the seat.
 */
export async function sellSeats(
  em: EntityManager,
  reservation: Reservation,
  paymentId: string,
  pass: Pass | null,
): Promise<Sale> {
  const { id, seatIds } = reservation;
  const row = await sqlRow<{ payment: object; seats: Seat[] }>(
    em,
    prepared(`with gone as (
       delete from hold where seat_id = ${anyOf(2)} returning seat_id, expires_at <= clock_timestamp() as lapsed
     ), confirmed as (
       update reservation set status = 'CONFIRMED' where id = $1 returning *
     ), sold as (
       insert into ticket (id, seat_id, reservation_id, show_id, user_id)
       select u.id, u.seat_id, r.id, r.show_id, r.user_id
       from confirmed r cross join unnest($3::uuid[], $2::uuid[]) as u (id, seat_id)
     ), paid as (
       insert into payment (id, user_id, reservation_id, amount, status, queue_id, token_hash)
       select $4::uuid, user_id, id, amount, 'COMPLETED', $5::uuid, $6::text from confirmed
       returning id, user_id, reservation_id, amount, status, failure, created_at, cancelled_at
     ), seats as (
       update seat s set revision = s.revision + case when gone.lapsed then 2 else 1 end
       from seat old left join gone on gone.seat_id = old.id
       where old.id = ${anyOf(2)} and s.id = old.id
       returning s.id, s.show_id as "showId", s.number, s.label, s.section, s.price, 'SOLD' as status, s.revision
     )
     select row_to_json(paid) as payment, (select json_agg(seats) from seats) as seats from paid`),
    [id, seatIds, seatIds.map(() => newId()), paymentId, pass?.queueId ?? null, pass?.tokenHash ?? null],
  );
  return { payment: em.map(Payment, row.payment), seats: toSeats(row.seats) };
}
