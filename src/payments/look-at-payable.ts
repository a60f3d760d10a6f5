import type { EntityManager } from '@mikro-orm/core';
import { prepared, sql } from '../platform/postgres.ts';
import {
  RESERVATION_COLUMNS,
  type Reservation,
  type ReservationRow,
  toReservation,
} from '../reservations/reservation.ts';

/** What decides about a payment, read under the locks. */
export interface PayFacts {
  readonly reservation: Reservation;
  /** Id of its COMPLETED payment. */
  readonly paidBy: string | null;
  /** The queue in front of the concert, or null. */
  readonly showQueueId: string | null;
  /** Whether the show has started. */
  readonly started: boolean;
  /** Whether the queue token has paid for something already: Redis may not know yet. */
  readonly tokenUsed: boolean;
  /** How many of its seats it still holds, and how many somebody else holds or has bought. */
  readonly held: number;
  readonly lost: number;
  /** Seats of the show that the user holds otherwise, or has bought. */
  readonly mine: number;
  /** The other reservations that the token holds. */
  readonly others: readonly string[];
}

/**
 * Reads the facts of a reservation that is locked together with its seats.
 * @param tokenHash of the queue token that the payer shows, or null
 * @returns undefined for an unknown reservation
 */
export async function lookAtPayable(
  em: EntityManager,
  id: string,
  tokenHash: string | null,
): Promise<PayFacts | undefined> {
  const [row] = await sql<Omit<PayFacts, 'reservation'> & ReservationRow>(
    em,
    prepared(`select ${RESERVATION_COLUMNS},
       (select p.id from payment p where p.reservation_id = r.id and p.status = 'COMPLETED') as "paidBy",
       c.queue_id as "showQueueId", sh.starts_at <= clock_timestamp() as started,
       exists (select from payment p where p.token_hash = (select $2::text) and p.status <> 'FAILED') as "tokenUsed",
       (select count(*)::int from hold where reservation_id = $1 and expires_at > clock_timestamp()) as held,
       (select count(*)::int from hold
          where seat_id = any(r.seat_ids) and reservation_id <> $1 and expires_at > clock_timestamp())
         + (select count(*)::int from ticket where seat_id = any(r.seat_ids)) as lost,
       ((select count(*) from hold where show_id = r.show_id and user_id = r.user_id and reservation_id <> $1
           and expires_at > clock_timestamp())
         + (select count(*) from ticket where show_id = r.show_id and user_id = r.user_id))::int as mine,
       array(select o.id from reservation o where o.token_hash = (select $2::text) and o.status = 'HELD' and o.id <> $1) as others
     from reservation r join show sh on sh.id = r.show_id join concert c on c.id = sh.concert_id where r.id = $1`),
    [id, tokenHash],
  );
  if (!row) return undefined;
  const { paidBy, showQueueId, started, tokenUsed, held, lost, mine, others, ...reservation } = row;
  return { paidBy, showQueueId, started, tokenUsed, held, lost, mine, others, reservation: toReservation(reservation) };
}
