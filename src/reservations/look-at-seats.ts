import type { EntityManager } from '@mikro-orm/core';
import { anyOf, prepared, sqlRow } from '../platform/postgres.ts';
import { badInput, refuse } from '../problems.ts';
import { type ReserveRefusal, saleClosed, seatsUnavailable } from './reserve-problems.ts';

/** Who asks for how much of which show. */
export interface Asked {
  readonly userId: string;
  readonly showId: string;
  readonly seatIds: readonly string[];
}

interface Taken {
  readonly seatId: string;
  /** Null for a seat that is sold. */
  readonly reservationId: string | null;
  readonly mine: boolean;
  /** How many seats that reservation holds. */
  readonly size: number;
}

/** What decides about a wish for seats. */
export interface SeatFacts {
  /** How many of the asked-for seats belong to the show. */
  readonly found: number;
  readonly onSale: boolean;
  readonly salesOpenAt: number;
  readonly salesCloseAt: number;
  /** Seats of the show that the user holds or has bought. */
  readonly mine: number;
  /** The asked-for seats that are held or sold. */
  readonly taken: readonly Taken[];
}

/** Reads them: before the locks for a quick refusal, and under the locks for the truth. */
export function lookAtSeats(em: EntityManager, { userId, showId, seatIds }: Asked): Promise<SeatFacts> {
  return sqlRow<SeatFacts>(
    em,
    prepared(`select
       (select count(*)::int from seat where show_id = $2 and id = ${anyOf(3)}) as found,
       sh.sales_open_at <= clock_timestamp() and clock_timestamp() < sh.sales_close_at as "onSale",
       (extract(epoch from sh.sales_open_at) * 1000)::float8 as "salesOpenAt",
       (extract(epoch from sh.sales_close_at) * 1000)::float8 as "salesCloseAt",
       ((select count(*) from hold where show_id = $2 and user_id = $1 and expires_at > clock_timestamp())
         + (select count(*) from ticket where show_id = $2 and user_id = $1))::int as mine,
       coalesce((select json_agg(json_build_object('seatId', seat_id, 'reservationId', reservation_id, 'mine', mine, 'size', size))
         from (
           select h.seat_id, h.reservation_id, h.user_id = $1 as mine, cardinality(r.seat_ids) as size
             from hold h join reservation r on r.id = h.reservation_id
             where h.seat_id = ${anyOf(3)} and h.expires_at > clock_timestamp()
           union all
           select seat_id, null, false, 0 from ticket where seat_id = ${anyOf(3)}
         ) taken), '[]') as taken
     from show sh where sh.id = $2`),
    [userId, showId, seatIds],
  );
}

/**
 * Decides in the contract's order.
 * @returns the id of the caller's live reservation of exactly these seats; a refusal; undefined when they may be held
 * @throws CallerError BAD_USER_INPUT for seats that the show does not have
 */
export function judge(
  facts: SeatFacts,
  seatIds: readonly string[],
  seatsPerUser: number,
): string | ReserveRefusal | undefined {
  if (facts.found < seatIds.length) throw badInput('seatIds has seats that this show does not have.');
  const again = heldTogether(facts, seatIds.length);
  if (again) return again;
  return judgeSale(facts, seatIds.length, seatsPerUser) ?? judgeTaken(facts);
}

/** Sale open, and no more than the limit: SaleClosed, TOO_MANY_SEATS, or undefined. */
export function judgeSale(facts: SeatFacts, count: number, seatsPerUser: number): ReserveRefusal | undefined {
  if (!facts.onSale) return saleClosed(new Date(facts.salesOpenAt), new Date(facts.salesCloseAt));
  return facts.mine + count > seatsPerUser ? refuse('TOO_MANY_SEATS') : undefined;
}

function judgeTaken({ taken }: SeatFacts): ReserveRefusal | undefined {
  return taken.length > 0 ? seatsUnavailable(taken.map(({ seatId }) => seatId)) : undefined;
}

/** The one reservation of the caller that holds exactly these seats. */
function heldTogether({ taken }: SeatFacts, count: number): string | undefined {
  const [first] = taken;
  if (!first?.reservationId || taken.length < count || first.size !== count) return undefined;
  const together = taken.every(({ mine, reservationId }) => mine && reservationId === first.reservationId);
  return together ? first.reservationId : undefined;
}
