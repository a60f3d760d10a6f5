import type { EntityManager } from '@mikro-orm/core';
import { sql } from '../platform/postgres.ts';
import { bestTogether, type FreeSeat, fewestGroups, runsOf } from './pick-seats.ts';

/** Free seats looked at in one step: a hall is searched from the front, and seldom to its end. */
const SEATS_PER_LOOK = 2_000;

interface NumberedSeat extends FreeSeat {
  readonly number: number;
}

/**
 * Picks the best `count` free seats, without locking them.
 * @param section null for any
 * @returns their ids; undefined when fewer are free
 */
export async function chooseSeats(
  em: EntityManager,
  showId: string,
  section: string | null,
  count: number,
): Promise<string[] | undefined> {
  const runs: (readonly FreeSeat[])[] = [];
  for (let after = 0; ; ) {
    const seats = await readFree(em, showId, section, after);
    const whole = wholeRows(seats);
    const found = runsOf(whole);
    const together = bestTogether(found, count);
    if (together) return together.map(({ id }) => id);
    runs.push(...found);
    if (seats.length < SEATS_PER_LOOK) return fewestGroups(runs, count)?.map(({ id }) => id);
    after = whole.at(-1)?.number ?? after;
  }
}

/** The last row of a full look may go on behind it: it is left to the next look. */
function wholeRows(seats: readonly NumberedSeat[]): readonly NumberedSeat[] {
  const last = seats.at(-1)?.rowIndex;
  if (seats.length < SEATS_PER_LOOK || seats[0]?.rowIndex === last) return seats;
  return seats.filter(({ rowIndex }) => rowIndex !== last);
}

function readFree(em: EntityManager, showId: string, section: string | null, after: number): Promise<NumberedSeat[]> {
  return sql<NumberedSeat>(
    em,
    `select s.id, s.number, s.row_index as "rowIndex", s.column_index as "columnIndex", s.row_length as "rowLength"
     from seat s
     where s.show_id = $1 and ($2::text is null or s.section = $2) and s.number > $3
       and not exists (select from ticket t where t.seat_id = s.id)
       and not exists (select from hold h where h.seat_id = s.id and h.expires_at > clock_timestamp())
     order by s.number limit $4`,
    [showId, section, after, SEATS_PER_LOOK],
  );
}
