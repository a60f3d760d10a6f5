import { isOperator } from '../accounts/is-operator.ts';
import { type Batch, callerOf } from '../api/context.ts';
import { CallerError } from '../api/problems.ts';
import { SEAT_COLUMNS, type Seat, Ticket, toSeats } from '../concerts/seat.ts';
import { sql } from '../platform/postgres.ts';

/**
 * Loads the tickets of each reservation with their seats, by number: those that it has now, none unless it is CONFIRMED.
 * @throws CallerError FORBIDDEN where one is another user's, unless the caller is an operator
 */
export const ticketsOfReservations: Batch<Ticket[]> = async (context, ids) => {
  const rows = await sql<Seat & Pick<Ticket, 'reservationId' | 'userId' | 'checkedInAt'> & { ticketId: string }>(
    context.em,
    `select r.id as "reservationId", r.user_id as "userId", t.id as "ticketId", t.checked_in_at as "checkedInAt", ${SEAT_COLUMNS}
     from reservation r cross join lateral unnest(r.seat_ids) u (id) join seat s on s.id = u.id
       join ticket t on t.seat_id = s.id and t.reservation_id = r.id left join hold h on h.seat_id = s.id
     where r.id = any($1) order by s.number`,
    [ids],
  );
  const { id: callerId } = callerOf(context);
  if (rows.some(({ userId }) => userId !== callerId) && !(await isOperator(context)))
    throw new CallerError('FORBIDDEN');
  const byReservation = Map.groupBy(rows, ({ reservationId }) => reservationId);
  return ids.map((id) =>
    (byReservation.get(id) ?? []).map(({ ticketId, reservationId, userId, checkedInAt, ...seat }) =>
      Object.assign(new Ticket(), {
        ...{ id: ticketId, reservationId, userId, checkedInAt },
        ...{ showId: seat.showId, seatId: seat.id, seat: toSeats([seat])[0] as Seat },
      }),
    ),
  );
};
