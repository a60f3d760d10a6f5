import { ArgsType, Field, Int } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { idOf, within } from '../api/input.ts';
import { badInput } from '../api/problems.ts';
import { CoalescedQuery } from '../platform/coalesced-query.ts';
import { forkOf, perProcess } from '../platform/platform.ts';
import { prepared, sql, sqlRow } from '../platform/postgres.ts';
import { findShow } from './find-show.ts';
import { SEAT_COLUMNS, SEAT_TABLES, type Seat, type SeatRow, SeatStates, toSeats } from './seat.ts';

/** Most seats of one answer, for halls of any size. */
const MAX_SEATS_PER_PAGE = 5_000;

/** Selects seats of a show: the arguments of the lists of seats. */
@ArgsType()
export class SeatRange {
  @Field(() => String, { nullable: true, description: 'Only seats of this section; all if left out' })
  section?: string | null;

  @Field(() => Int, {
    nullable: true,
    description:
      'Only seats with a higher number: the last one of the part that was read before. From the first seat if left out',
  })
  afterNumber?: number | null;

  @Field(() => Int, {
    nullable: true,
    description: 'Most seats of the answer, 1 .. 5,000; all of up to 5,000 if left out',
  })
  first?: number | null;
}

const queries = perProcess(() => new CoalescedQuery<Seat[]>());
const stateQueries = perProcess(() => new CoalescedQuery<SeatStates>());

/**
 * Reads seats of one show with their status, by number; requests for the same seats at the same time share one query.
 * @throws CallerError NOT_FOUND for an unknown show; BAD_USER_INPUT for malformed text or numbers out of range, and for
 * more than 5,000 seats without `first`
 */
export async function readSeatMap(context: Context, showIdText: string, range: SeatRange): Promise<Seat[]> {
  const showId = idOf('showId', showIdText);
  const { section, afterNumber, first } = checkRange(range);
  const { platform } = context;
  await findShow(platform, showId);
  const seats = await queries(platform).run(JSON.stringify([showId, section, afterNumber, first]), async () =>
    toSeats(
      await sql<SeatRow>(
        forkOf(platform),
        `select ${SEAT_COLUMNS} from ${SEAT_TABLES}
         where s.show_id = $1 and ($2::text is null or s.section = $2) and s.number > $3
         order by s.number limit $4`,
        [showId, section, afterNumber, first ?? MAX_SEATS_PER_PAGE + 1],
      ),
    ),
  );
  return atMostAPage(seats);
}

/**
 * Reads the states of all seats of one show at one instant; requests at the same time share one query.
 * @throws CallerError BAD_USER_INPUT for a malformed id; NOT_FOUND for an unknown show
 */
export async function readSeatStates({ platform }: Context, showIdText: string): Promise<SeatStates> {
  const { id } = await findShow(platform, idOf('showId', showIdText));
  return stateQueries(platform).run(id, async () => {
    // One instant for both columns, so that both or neither include the lapse of a hold.
    const row = await sqlRow<{ states: string; revision: number }>(
      forkOf(platform),
      `with clock as materialized (select clock_timestamp() as now)
       select string_agg(
           case when t.seat_id is not null then 'S' when h.expires_at > now then 'H' else 'A' end, '' order by s.number
         ) as states,
         sum(s.revision + case when h.expires_at <= now then 1 else 0 end)::float8 as revision
       from clock, seat s
         left join hold h on h.seat_id = s.id and h.show_id = $1
         left join ticket t on t.seat_id = s.id and t.show_id = $1
       where s.show_id = $1`,
      [id],
    );
    return Object.assign(new SeatStates(), { showId: id, ...row });
  });
}

/**
 * SQL for the free seats of a concert on a date.
 * @param ofSection further condition: a comparison of the section alone, so that a prepared plan uses the sections'
 * index
 */
function freeSeats(ofSection: string): string {
  return prepared(`select s.id, s.show_id as "showId", s.number, s.label, s.section, s.price::float8 as price,
       'AVAILABLE' as status, s.revision + case when h.seat_id is null then 0 else 1 end as revision
     from show sh join seat s on s.show_id = sh.id left join hold h on h.seat_id = s.id
     where sh.concert_id = $1 and not exists (select from concert where id = $1 and withdrawn_at is not null)
       and sh.cancelled_at is null
       and sh.starts_at >= ($2::date::timestamp at time zone $3)
       and sh.starts_at < (($2::date + 1)::timestamp at time zone $3)
       and sh.sales_open_at <= clock_timestamp() and sh.sales_close_at > clock_timestamp()
       and s.number > $4 ${ofSection}
       and (h.seat_id is null or h.expires_at <= clock_timestamp())
       and not exists (select from ticket t where t.seat_id = s.id)
     order by sh.starts_at, sh.id, s.number limit $5`);
}

const FREE_SEATS = freeSeats('');
const FREE_SEATS_OF_SECTION = freeSeats('and s.section = $6');

const freeQueries = perProcess(() => new CoalescedQuery<Seat[]>());

/**
 * Reads seats of the concert's shows on a date that can be reserved now, by start of the show, then number. Requests
 * for the same seats at the same time share one query, which begins after each of them has arrived.
 * @param date YYYY-MM-DD in TIME_ZONE
 * @throws CallerError BAD_USER_INPUT for malformed text or numbers out of range, and for more than 5,000 seats without
 * `first`
 */
export async function readAvailableSeats(
  { platform }: Context,
  concertId: string,
  date: string,
  range: SeatRange,
): Promise<Seat[]> {
  const { section, afterNumber, first } = checkRange(range);
  const key = JSON.stringify([concertId, date, section, afterNumber, first]);
  const seats = await freeQueries(platform).run(key, async () => {
    const limit = first ?? MAX_SEATS_PER_PAGE + 1;
    const asked = [concertId, date, platform.config.TIME_ZONE, afterNumber, limit];
    const em = forkOf(platform);
    return toSeats(
      section === null
        ? await sql<SeatRow>(em, FREE_SEATS, asked)
        : await sql<SeatRow>(em, FREE_SEATS_OF_SECTION, [...asked, section]),
    );
  });
  return atMostAPage(seats);
}

/**
 * @returns `seats`.
 * @throws CallerError BAD_USER_INPUT for more than 5,000 seats, which only happens without `first`
 */
function atMostAPage(seats: Seat[]): Seat[] {
  if (seats.length <= MAX_SEATS_PER_PAGE) return seats;
  throw badInput('first', `is needed: there are more than ${MAX_SEATS_PER_PAGE} seats`);
}

function checkRange(range: SeatRange): { section: string | null; afterNumber: number; first: number | null } {
  const { section, afterNumber, first } = range;
  if (typeof first === 'number') within('first', first, 1, MAX_SEATS_PER_PAGE);
  if (typeof afterNumber === 'number') within('afterNumber', afterNumber, 0, 2 ** 31 - 1);
  if (section?.includes('\0')) throw badInput('section', 'has characters that no section has');
  return { section: section ?? null, afterNumber: afterNumber ?? 0, first: first ?? null };
}
