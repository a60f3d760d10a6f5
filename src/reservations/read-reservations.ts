import { type Connection, idKey, type PageArgs, pageOf, readNewestFirst } from '../api/connection.ts';
import { type Batch, type Context, callerOf } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { SEAT_COLUMNS, type Seat, toSeats } from '../concerts/seat.ts';
import { sql } from '../platform/postgres.ts';
import { findReservation, Reservation, type ReservationStatus } from './reservation.ts';

/** Reads a reservation of the caller. @returns null for an unknown or another user's reservation */
export async function readReservation(context: Context, id: string): Promise<Reservation | null> {
  const reservation = await findReservation(context.em, idOf('id', id));
  return reservation?.userId === callerOf(context).id ? reservation : null;
}

/** Reads a page of a user's reservations, newest first. */
export async function readReservations(
  { em }: Context,
  userId: string,
  args: PageArgs,
  status: ReservationStatus | undefined,
): Promise<Connection<Reservation>> {
  const page = pageOf('reservation', args, idKey);
  return readNewestFirst(em, Reservation, { userId, ...(status && { status }) }, page, 'id');
}

/** Loads reservations by id; each id must exist. */
export const reservationsById: Batch<Reservation> = async ({ em }, ids) => {
  const rows = await em.find(Reservation, { id: { $in: [...ids] } }, { disableIdentityMap: true });
  const found = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => found.get(id) as Reservation);
};

/** Loads the seats of each reservation, by number, also those that another user has now. */
export const seatsOfReservations: Batch<Seat[]> = async ({ em }, ids) => {
  const rows = await sql<Seat & { reservationId: string }>(
    em,
    `select r.id as "reservationId", ${SEAT_COLUMNS}
     from reservation r cross join lateral unnest(r.seat_ids) u (id) join seat s on s.id = u.id
       left join hold h on h.seat_id = s.id left join ticket t on t.seat_id = s.id
     where r.id = any($1) order by s.number`,
    [ids],
  );
  const byReservation = Map.groupBy(rows, ({ reservationId }) => reservationId);
  return ids.map((id) => toSeats(byReservation.get(id) ?? []));
};
