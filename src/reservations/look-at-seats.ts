import type { EntityManager } from '@mikro-orm/core';
import { badInput, refuse } from '../api/problems.ts';
import { prepared, sql } from '../platform/postgres.ts';
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

/** Reads them for one wish. */
export async function lookAtSeats(em: EntityManager, asked: Asked): Promise<SeatFacts> {
  const facts = (await lookAtWishes(em, [asked])).get(asked);
  if (!facts) throw new Error('seats were asked for of a show that does not exist');
  return facts;
}

/**
 * By id and nothing else: while a new show has no statistics yet, PostgreSQL would rather read all of its seats, once for
 * every wish.
 */
const FOUND = `select count(*)::int
  from (select show_id from seat where id = any(w.seat_ids) offset 0) asked where asked.show_id = $1`;

/** Reads them for wishes for one show: before the locks for a quick refusal, and under the locks for the truth. */
export async function lookAtWishes(em: EntityManager, wishes: readonly Asked[]): Promise<Map<Asked, SeatFacts>> {
  const [first] = wishes;
  if (!first) return new Map();
  const rows = await sql<SeatFacts & { place: number }>(
    em,
    prepared(`select w.place::int as place,
       (${FOUND}) as found,
       sh.sales_open_at <= clock_timestamp() and clock_timestamp() < sh.sales_close_at as "onSale",
       (extract(epoch from sh.sales_open_at) * 1000)::float8 as "salesOpenAt",
       (extract(epoch from sh.sales_close_at) * 1000)::float8 as "salesCloseAt",
       ((select count(*) from hold where show_id = $1 and user_id = w.user_id and expires_at > clock_timestamp())
         + (select count(*) from ticket where show_id = $1 and user_id = w.user_id))::int as mine,
       coalesce((select json_agg(json_build_object('seatId', seat_id, 'reservationId', reservation_id, 'mine', mine, 'size', size))
         from (
           select h.seat_id, h.reservation_id, h.user_id = w.user_id as mine, cardinality(r.seat_ids) as size
             from hold h join reservation r on r.id = h.reservation_id
             where h.seat_id = any(w.seat_ids) and h.expires_at > clock_timestamp()
           union all
           select seat_id, null, false, 0 from ticket where seat_id = any(w.seat_ids)
         ) taken), '[]') as taken
     from show sh cross join (
       select user_id, seat_ids::uuid[], place from unnest($2::uuid[], $3::text[]) with ordinality u (user_id, seat_ids, place)
     ) w where sh.id = $1`),
    [first.showId, wishes.map(({ userId }) => userId), wishes.map(({ seatIds }) => listOf(seatIds))],
  );
  return new Map(rows.map(({ place, ...facts }) => [wishes[place - 1] as Asked, facts]));
}

/** One array within an array of them, which in PostgreSQL would all have to be of one length. */
export function listOf(seatIds: readonly string[]): string {
  return `{${seatIds.join(',')}}`;
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
