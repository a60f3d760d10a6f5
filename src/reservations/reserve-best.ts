import type { EntityManager } from '@mikro-orm/core';
import { Field, ID, InputType, Int } from 'type-graphql';
import { type Context, callerOf } from '../api/context.ts';
import { idempotencyKeyOf, idOf, KEY_KEPT_FOR_A_DAY, textOf } from '../api/input.ts';
import { badInput, CallerError } from '../api/problems.ts';
import { limitOf, rowsOf, SEATS, SEATS_IF_FREE, showLock } from '../commands/lock-order.ts';
import { Leave, run, type Verb } from '../commands/runner.ts';
import { newId } from '../platform/ids.ts';
import { forkOf } from '../platform/platform.ts';
import { sql } from '../platform/postgres.ts';
import { SECOND } from '../platform/units.ts';
import { bestTogether, type FreeSeat, fewestGroups, runsOf } from './pick-seats.ts';
import {
  findReservation,
  type Reservation,
  type ReserveRefusal,
  SaleClosed,
  SeatsUnavailable,
  seatsUnavailable,
} from './reservation.ts';
import { type Buyer, holdSeats, judgeSale, readSaleFacts, type SaleFacts } from './reserve-seats.ts';

@InputType({
  description:
    'How many seats of a show the server chooses: together where that is possible, the best first; seats that the caller has just released only where too few others are free',
})
export class ReserveBestInput {
  @Field(() => ID, { description: 'Id of the show' })
  showId!: string;

  @Field(() => Int, { description: 'How many seats, 1 .. `Settings.seatsPerUser`' })
  count!: number;

  @Field(() => String, {
    nullable: true,
    description: 'Only seats of this section, at most 100 characters; any if left out',
  })
  section?: string | null;

  @Field(() => ID, {
    nullable: true,
    description: `${KEY_KEPT_FOR_A_DAY}. Without a key, asking again holds more seats`,
  })
  idempotencyKey?: string | null;
}

interface ReserveBest extends Buyer {
  readonly count: number;
  readonly section: string | null;
  /** Instant (ms of `performance.now()`) at which the search for seats that are not being taken by others ends. */
  readonly until: number;
  /** Seats that the user has just released, once a search has met one: another search leaves them out while others are free. */
  readonly avoided: Set<string>;
}

/** Milliseconds for which a command searches for seats that are not being taken by others. */
const MAX_SEARCH_MS = 1.5 * SECOND;

/** Seats that were picked; undefined when fewer are free; others of the batch may yet leave what they picked. */
type Pick = readonly string[] | 'PICKED_BY_OTHERS' | undefined;

const RESERVE_BEST: Verb<ReserveBest, Reservation | ReserveRefusal, Pick, SaleFacts> = {
  name: 'reserveBest',
  // Within a process, commands about one show run one batch after another, so that no two batches want the same seats.
  contends: ({ userId, showId }) => [`best:${showId}`, limitOf(userId, showId)],
  weight: ({ count }) => count,

  async prepare(platform, asked) {
    const em = forkOf(platform);
    const picks = new Picks(em);
    const known: { known: Pick }[] = [];
    for (const one of asked) known.push({ known: await picks.choose(one) });
    return known;
  },

  locks: ({ userId, showId }, pick) => ({
    shared: [showLock(showId)],
    limits: [limitOf(userId, showId)],
    rows: [rowsOf(SEATS_IF_FREE, Array.isArray(pick) ? pick : [])],
  }),
  facts: readSaleFacts,

  decide({ asked, known, facts }, scene) {
    const has = facts.has + scene.granted(limitOf(asked.userId, asked.showId));
    const refusal = judgeSale(scene.platform, { ...facts, has }, asked.count, scene.now);
    if (refusal) return refusal;
    if (known === undefined) return seatsUnavailable([]);
    const picked = known === 'PICKED_BY_OTHERS' ? [] : known;
    const seats = picked.flatMap((id) => scene.find(SEATS, id) ?? []).filter((seat) => seat.isFree(scene.now));
    const released = new Set((facts.released ?? []).flatMap(({ seatIds }) => seatIds));
    if (asked.avoided.size === 0 && seats.some(({ id }) => released.has(id))) {
      // A hold of these seats would end as soon as the one that was released.
      for (const id of released) asked.avoided.add(id);
      return new Leave();
    }
    if (seats.length === asked.count) return holdSeats(asked, seats, facts, scene);
    if (performance.now() > asked.until) throw new CallerError('SERVICE_UNAVAILABLE');
    return new Leave();
  },

  presumed: ({ reservationId }) => ({ type: 'Reservation', id: reservationId }),
  refusals: { SeatsUnavailable, SaleClosed },

  async replay(em, { id }) {
    const reservation = await findReservation(em, id);
    if (!reservation) throw new Error('a reservation that was answered is missing');
    return reservation;
  },
};

/** More is a fault of the client; less, and more than SEATS_PER_USER, is refused as TOO_MANY_SEATS. */
const MAX_COUNT = 1_000;

/**
 * Holds the best `count` free seats: adjacent where that is possible, else in the smallest number of groups.
 * @returns a Reservation; SaleClosed; SeatsUnavailable without ids; a Refusal TOO_MANY_SEATS or SHOW_CANCELLED, or
 * IDEMPOTENCY_CONFLICT for a key that came with other input before
 * @throws CallerError BAD_USER_INPUT for a count outside 1..1,000 and a section of more than 100 characters;
 * QUEUE_TOKEN_REQUIRED when the token ended while the seats were being held
 */
export async function reserveBest(context: Context, input: ReserveBestInput): Promise<Reservation | ReserveRefusal> {
  const { id: userId } = callerOf(context);
  const section = typeof input.section === 'string' ? textOf('input.section', input.section, 0, 100) : null;
  const { count } = input;
  if (count < 1 || count > MAX_COUNT) {
    throw badInput('input.count', `must be from 1 to ${context.platform.config.SEATS_PER_USER}`);
  }
  const showId = idOf('input.showId', input.showId);
  const key = typeof input.idempotencyKey === 'string' ? idempotencyKeyOf(input.idempotencyKey) : undefined;
  return run(
    context,
    RESERVE_BEST,
    {
      reservationId: newId(),
      userId,
      showId,
      pass: context.pass,
      count,
      section,
      until: performance.now() + MAX_SEARCH_MS,
      avoided: new Set(),
    },
    key === undefined ? undefined : { userId, key, input: { showId, count, section } },
  );
}

/** Free seats that one step of a search reads. A search starts at the front and seldom reaches the end of the hall. */
const SEATS_PER_LOOK = 2_000;

interface NumberedSeat extends FreeSeat {
  readonly number: number;
}

/** Picks seats for the commands of one batch: they share each read of a show, and no seat is picked twice. */
class Picks {
  readonly #em: EntityManager;
  readonly #looks = new Map<string, Promise<readonly NumberedSeat[]>>();
  readonly #picked = new Set<string>();

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /**
   * Picks the best `count` free seats, without locking them: none of those to avoid, while there are enough others.
   * @returns their ids; undefined when fewer are free; PICKED_BY_OTHERS when fewer are but for what this batch has picked
   */
  async choose(asked: ReserveBest): Promise<Pick> {
    const others = asked.avoided.size > 0 ? await this.#search(asked, asked.avoided) : undefined;
    return Array.isArray(others) ? others : this.#search(asked, new Set());
  }

  async #search({ showId, section, count }: ReserveBest, avoided: ReadonlySet<string>): Promise<Pick> {
    const runs: (readonly FreeSeat[])[] = [];
    let leftOut = 0;
    for (let after = 0; ; ) {
      const seats = await this.#look(showId, section, after);
      const whole = wholeRows(seats);
      const open = whole.filter(({ id }) => !this.#picked.has(id) && !avoided.has(id));
      leftOut += whole.length - open.length;
      const found = runsOf(open);
      const together = bestTogether(found, count);
      if (together) return this.#pick(together);
      runs.push(...found);
      if (seats.length < SEATS_PER_LOOK) {
        return this.#pick(fewestGroups(runs, count)) ?? (leftOut > 0 ? 'PICKED_BY_OTHERS' : undefined);
      }
      after = whole.at(-1)?.number ?? after;
    }
  }

  #pick(seats: readonly FreeSeat[] | undefined): string[] | undefined {
    const ids = seats?.map(({ id }) => id);
    for (const id of ids ?? []) this.#picked.add(id);
    return ids;
  }

  #look(showId: string, section: string | null, after: number): Promise<readonly NumberedSeat[]> {
    const name = JSON.stringify([showId, section, after]);
    const look =
      this.#looks.get(name) ??
      sql<NumberedSeat>(
        this.#em,
        `select s.id, s.number, s.row_index as "rowIndex", s.column_index as "columnIndex", s.row_length as "rowLength"
         from seat s
         where s.show_id = $1 and ($2::text is null or s.section = $2) and s.number > $3
           and not exists (select from ticket t where t.seat_id = s.id)
           and not exists (select from hold h where h.seat_id = s.id and h.expires_at > clock_timestamp())
         order by s.number limit $4`,
        [showId, section, after, SEATS_PER_LOOK],
      );
    this.#looks.set(name, look);
    return look;
  }
}

/** Leaves out the last row of a full step, which may continue beyond it: the next step reads that row. */
function wholeRows(seats: readonly NumberedSeat[]): readonly NumberedSeat[] {
  const last = seats.at(-1)?.rowIndex;
  if (seats.length < SEATS_PER_LOOK || seats[0]?.rowIndex === last) return seats;
  return seats.filter(({ rowIndex }) => rowIndex !== last);
}
