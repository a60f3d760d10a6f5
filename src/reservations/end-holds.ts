import type { EntityManager } from '@mikro-orm/core';
import type { EventData, NewEvent } from '../commands/event-types.ts';
import { writeOutbox } from '../commands/outbox.ts';
import { type Seat, type SeatRow, toSeats } from '../concerts/seat.ts';
import { sql } from '../platform/postgres.ts';
import { lapsed, type ReservationStatus } from './reservation.ts';

/** Reservations that one statement ends. */
const MAX_AT_ONCE = 2_000;

/**
 * Ends HELD reservations in `em`'s transaction, with their events: those that have lapsed become EXPIRED, others RELEASED.
 * Their rows must be locked; the rows of their seats are locked here. It is for more reservations than a command locks.
 * @param requestId of the request that asks for it; undefined for a job
 * @returns the seats that are free now, as they are to be published after the commit
 */
export async function endHolds(
  em: EntityManager,
  reservationIds: readonly string[],
  requestId?: string,
): Promise<Seat[]> {
  const freed: Seat[] = [];
  for (let from = 0; from < reservationIds.length; from += MAX_AT_ONCE) {
    freed.push(...(await endSome(em, reservationIds.slice(from, from + MAX_AT_ONCE), requestId)));
  }
  return freed;
}

async function endSome(em: EntityManager, ids: readonly string[], requestId: string | undefined): Promise<Seat[]> {
  await sql(
    em,
    `select id from seat where id in (select seat_id from hold where reservation_id = any($1)) order by id for update`,
    [ids],
  );
  const rows = await sql<SeatRow>(
    em,
    `with freed as (delete from hold where reservation_id = any($1) returning seat_id)
     update seat s set revision = s.revision + 1 from freed where s.id = freed.seat_id
     returning s.id, s.show_id as "showId", s.number, s.label, s.section, s.price, 'AVAILABLE' as status, s.revision`,
    [ids],
  );
  const ended = await sql<EventData<'reservation.lapsed.v1'> & { status: ReservationStatus }>(
    em,
    `update reservation set status = case when expires_at <= clock_timestamp() then 'EXPIRED' else 'RELEASED' end,
       ended_at = clock_timestamp()
     where id = any($1) and status = 'HELD'
     returning id as "reservationId", user_id as "userId", show_id as "showId", seat_ids as "seatIds", amount, status`,
    [ids],
  );
  const events = ended.map(({ status, ...data }): NewEvent => {
    const released = { type: 'reservation.released.v1', aggregate: data.reservationId, data } as const;
    return status === 'EXPIRED' ? lapsed(data) : released;
  });
  await writeOutbox(
    em,
    events.map((event) => ({ event, requestId })),
  );
  return toSeats(rows);
}

/**
 * Ends every hold of shows in `em`'s transaction, which must have the shows' locks alone; see `endHolds`.
 * @returns the seats that are free now
 */
export async function endHoldsOfShows(
  em: EntityManager,
  showIds: readonly string[],
  requestId: string | undefined,
): Promise<Seat[]> {
  const held = await sql<{ id: string }>(
    em,
    `select id from reservation where status = 'HELD'
       and id in (select reservation_id from hold where show_id = any($1)) order by id for update`,
    [showIds],
  );
  return endHolds(
    em,
    held.map(({ id }) => id),
    requestId,
  );
}
