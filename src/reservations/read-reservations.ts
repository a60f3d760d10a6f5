import type { EntityManager } from '@mikro-orm/core';
import { type Connection, idKey, pageOf, toConnection } from '../api/connection.ts';
import { type Batch, type Context, callerOf } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { SEAT_COLUMNS, type Seat, toSeats } from '../concerts/seat.ts';
import { prepared, sql } from '../platform/postgres.ts';
import {
  RESERVATION_COLUMNS,
  type Reservation,
  type ReservationRow,
  type ReservationStatus,
  STATUS_NOW,
  toReservation,
} from './reservation.ts';

const NAME = 'reservation';

/** The reservation as it is now, whoever's it is. */
export async function findReservation(em: EntityManager, id: string): Promise<Reservation | undefined> {
  const text = prepared(`select ${RESERVATION_COLUMNS} from reservation r where r.id = $1`);
  const [row] = await sql<ReservationRow>(em, text, [id]);
  return row && toReservation(row);
}

/** The caller's own reservation, or null. */
export async function readReservation(context: Context, id: string): Promise<Reservation | null> {
  const reservation = await findReservation(context.em, idOf('id', id));
  return reservation?.userId === callerOf(context).id ? reservation : null;
}

/** The caller's reservations, newest first. */
export async function readReservations(
  context: Context,
  first: number,
  after: string | undefined,
  status: ReservationStatus | undefined,
): Promise<Connection<Reservation>> {
  const page = pageOf(NAME, first, after, idKey);
  const rows = await sql<ReservationRow>(
    context.em,
    `select ${RESERVATION_COLUMNS} from reservation r
     where r.user_id = $1 and ($2::uuid is null or r.id < $2) and ($3::text is null or ${STATUS_NOW} = $3)
     order by r.id desc limit $4`,
    [callerOf(context).id, page.after ?? null, status ?? null, first + 1],
  );
  return toConnection(NAME, rows.map(toReservation), first, ({ id }) => id);
}

export const reservationsById: Batch<Reservation> = async ({ em }, ids) => {
  const text = `select ${RESERVATION_COLUMNS} from reservation r where r.id = any($1)`;
  const found = new Map((await sql<ReservationRow>(em, text, [ids])).map((row) => [row.id, toReservation(row)]));
  return ids.map((id) => found.get(id) as Reservation);
};

/** Seats of each reservation, by number; whoever has them now. */
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
