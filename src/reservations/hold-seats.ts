import type { EntityManager } from '@mikro-orm/core';
import type { Pass } from '../api/context.ts';
import { type Seat, toSeats } from '../concerts/seat.ts';
import { newId } from '../platform/ids.ts';
import { prepared, sql } from '../platform/postgres.ts';
import { type Asked, listOf } from './look-at-seats.ts';
import { RESERVATION_COLUMNS, type Reservation, type ReservationRow, toReservation } from './reservation.ts';

/** A new reservation, and how its seats stand now. */
export interface Held {
  readonly reservation: Reservation;
  readonly seats: Seat[];
}

/** Seats to be held: those of one show that somebody asks for, by which pass. */
export interface ToHold {
  /** Of the reservation that it becomes; made up when left out. */
  readonly id?: string;
  readonly asked: Asked;
  readonly pass: Pass | null;
}

/** Holds what one asks for. */
export async function holdSeats(em: EntityManager, toHold: ToHold, holdSeconds: number): Promise<Held> {
  const [held] = await holdWishes(em, [toHold], holdSeconds);
  return held as Held;
}

/**
 * Holds seats of one show that are locked and were judged free; no two want the same. A lapsed hold is taken over in
 * place: its lapse and the new hold are two changes of the seat.
 * @returns what each holds
 * @throws Error when a seat turns out to be held or sold after all: then nothing is held
 */
export async function holdWishes(em: EntityManager, wishes: readonly ToHold[], holdSeconds: number): Promise<Held[]> {
  const ids = wishes.map(({ id = newId() }) => id);
  const rows = await sql<{ reservation: ReservationRow; seats: Seat[]; held: number }>(
    em,
    prepared(`with w as (
       select id, user_id, seat_ids::uuid[] as seat_ids, queue_id, token_hash
       from unnest($2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::text[]) as u (id, user_id, seat_ids, queue_id, token_hash)
     ), r as (
       insert into reservation (id, user_id, show_id, seat_ids, status, amount, queue_id, token_hash, expires_at)
       select w.id, w.user_id, $1::uuid, s.ids, 'HELD', s.amount, w.queue_id, w.token_hash,
         clock_timestamp() + make_interval(secs => $7)
       from w cross join lateral (
         select array_agg(id order by number) as ids, sum(price) as amount from seat where id = any(w.seat_ids)
       ) s returning *
     ), seats as (
       update seat s set revision = s.revision + case when h.seat_id is null then 1 else 2 end
       from w join seat old on old.id = any(w.seat_ids) left join hold h on h.seat_id = old.id
       where s.id = old.id returning s.*, w.id as reservation_id
     ), holds as (
       insert into hold (seat_id, reservation_id, show_id, user_id, expires_at)
       select s.id, r.id, r.show_id, r.user_id, r.expires_at from seats s join r on r.id = s.reservation_id order by s.id
       on conflict (seat_id) do update
         set reservation_id = excluded.reservation_id, user_id = excluded.user_id, expires_at = excluded.expires_at
         where hold.expires_at <= clock_timestamp()
       returning reservation_id
     )
     select (select row_to_json(x) from (select ${RESERVATION_COLUMNS}) x) as reservation,
       (select json_agg(json_build_object('id', s.id, 'showId', s.show_id, 'number', s.number, 'label', s.label,
         'section', s.section, 'price', s.price, 'status', 'HELD', 'revision', s.revision) order by s.number)
         from seats s where s.reservation_id = r.id) as seats,
       (select count(*)::int from holds where reservation_id = r.id) as held
     from r order by array_position($2::uuid[], r.id)`),
    [
      wishes[0]?.asked.showId,
      ids,
      wishes.map(({ asked }) => asked.userId),
      wishes.map(({ asked }) => listOf(asked.seatIds)),
      wishes.map(({ pass }) => pass?.queueId ?? null),
      wishes.map(({ pass }) => pass?.tokenHash ?? null),
      holdSeconds,
    ],
  );
  const areHeld = wishes.every(({ asked }, index) => rows[index]?.held === asked.seatIds.length);
  if (!areHeld) throw new Error('seats judged free under their locks were not');
  return rows.map(({ reservation, seats }) => ({ reservation: toReservation(reservation), seats: toSeats(seats) }));
}
