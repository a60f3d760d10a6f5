import { createUnionType, Field, ID, InputType, ObjectType } from 'type-graphql';
import { type Context, callerOf } from '../api/context.ts';
import { idempotencyKeyOf, idOf, KEY_KEPT_FOR_A_DAY } from '../api/input.ts';
import { badInput, notFound, Problem, Refusal, refuse, sentenceOf } from '../api/problems.ts';
import { RESERVATIONS, rowsOf, SEATS, showLock } from '../commands/lock-order.ts';
import { Leave, run, type Verb } from '../commands/runner.ts';
import type { Seat } from '../concerts/seat.ts';
import { forkOf } from '../platform/platform.ts';
import { sql } from '../platform/postgres.ts';
import { findClaims } from './release-reservation.ts';
import { findReservation, Reservation, SeatsUnavailable, seatsUnavailable } from './reservation.ts';

@InputType({ description: 'One seat for another' })
export class SeatMoveInput {
  @Field(() => ID, { description: 'A seat of the reservation' })
  from!: string;

  @Field(() => ID, { description: 'An AVAILABLE seat of the same show, at the price that was paid for the other' })
  to!: string;
}

@InputType({ description: 'Seats of a paid reservation, and the seats they are exchanged for' })
export class MoveSeatsInput {
  @Field(() => ID, { description: 'Id of a CONFIRMED reservation' })
  reservationId!: string;

  @Field(() => [SeatMoveInput], { description: '1 .. 100 exchanges, each seat once; all are made or none' })
  moves!: SeatMoveInput[];

  @Field(() => ID, {
    description: KEY_KEPT_FOR_A_DAY,
  })
  idempotencyKey!: string;
}

@ObjectType({ implements: Problem, description: '`NOT_MOVABLE`: the seats cannot be exchanged; nothing was moved' })
export class NotMovable extends Problem {
  @Field(() => [ID], {
    description: 'Seats that the reservation does not have, or else new seats whose price is not the one that was paid',
  })
  seatIds!: string[];
}

export const MoveSeatsResult = createUnionType({
  name: 'MoveSeatsResult',
  description:
    'The Reservation, NotMovable, SeatsUnavailable, or a Refusal: `SHOW_CANCELLED` or `IDEMPOTENCY_CONFLICT`',
  types: () => [Reservation, NotMovable, SeatsUnavailable, Refusal] as const,
});

type MoveAnswer = Reservation | NotMovable | SeatsUnavailable | Refusal;

const MAX_MOVES = 100;

interface MoveSeats {
  readonly reservationId: string;
  readonly moves: readonly { readonly from: string; readonly to: string }[];
}

/** When the show was cancelled; null: it takes place. */
interface Facts {
  readonly cancelledAt: Date | null;
}

const MOVE_SEATS: Verb<MoveSeats, MoveAnswer, Reservation | undefined, Facts> = {
  name: 'moveSeats',
  contends: ({ reservationId, moves }) => [`reservation:${reservationId}`, ...moves.map(({ to }) => `seat:${to}`)],

  async prepare(platform, asked) {
    const rows = await findClaims(forkOf(platform), { id: { $in: asked.map(({ reservationId }) => reservationId) } });
    return asked.map(({ reservationId }) => ({ known: rows.find(({ id }) => id === reservationId) }));
  },

  locks: ({ moves }, reservation) =>
    reservation
      ? {
          shared: [showLock(reservation.showId)],
          rows: [
            rowsOf(RESERVATIONS, [reservation.id]),
            rowsOf(SEATS, [...reservation.seatIds, ...moves.map(({ to }) => to)]),
          ],
        }
      : {},

  async facts(em, items) {
    const rows = await sql<Facts & { id: string }>(
      em,
      'select id, cancelled_at as "cancelledAt" from show where id = any($1)',
      [items.flatMap(({ known }) => known?.showId ?? [])],
    );
    const shows = new Map(rows.map((row) => [row.id, row]));
    return items.map(({ known }) => shows.get(known?.showId ?? '') ?? { cancelledAt: null });
  },

  decide({ asked: { moves }, known, facts }, scene) {
    const reservation = known && scene.find(RESERVATIONS, known.id);
    if (!reservation) throw notFound('reservation');
    if (!reservation.hasSeats(known)) return new Leave();
    const { showId, seatIds, storedStatus } = reservation;
    const to = moves.map((move) => scene.find(SEATS, move.to));
    for (const [index, seat] of to.entries()) {
      if (seat?.showId !== showId) throw badInput(`input.moves[${index}].to`, 'is no seat of the show');
    }
    const targets = to as Seat[];
    if (facts.cancelledAt !== null) return refuse('SHOW_CANCELLED');
    const foreign = moves.filter(({ from }) => storedStatus !== 'CONFIRMED' || !seatIds.includes(from));
    if (foreign.length > 0) return notMovable(foreign.map(({ from }) => from));
    const taken = targets.filter((seat) => !seat.isFree(scene.now));
    if (taken.length > 0) return seatsUnavailable(taken.map((seat) => seat.id));
    const dear = targets.filter(({ price }, index) => price !== reservation.priceOf([moves[index]?.from ?? '']));
    if (dear.length > 0) return notMovable(dear.map((seat) => seat.id));
    for (const [index, seat] of targets.entries()) {
      const left = scene.get(SEATS, moves[index]?.from ?? '');
      seat.takeOver(left, reservation, scene.now);
    }
    const numberOf = (seatId: string): number => scene.get(SEATS, seatId).number;
    reservation.move(new Map(moves.map((move) => [move.from, move.to])), numberOf);
    return reservation;
  },

  presumed: ({ reservationId }) => ({ type: 'Reservation', id: reservationId }),
  refusals: { NotMovable, SeatsUnavailable },

  async replay(em, { id }) {
    const reservation = await findReservation(em, id);
    if (!reservation) throw new Error('a reservation that was answered is missing');
    return reservation;
  },
};

/**
 * Exchanges seats of a paid reservation for other free seats of the show at the same price, all or none. The tickets of
 * the seats that are left are void, those of the new seats are checked in where the old ones were.
 * @returns the Reservation; a Refusal SHOW_CANCELLED; NotMovable, for a reservation that is not CONFIRMED too;
 * SeatsUnavailable; a Refusal IDEMPOTENCY_CONFLICT
 * @throws CallerError NOT_FOUND for an unknown reservation; BAD_USER_INPUT for 0 or more than 100 moves, a seat that is
 * named twice, and a seat that the show does not have
 */
export async function moveSeats(context: Context, input: MoveSeatsInput): Promise<MoveAnswer> {
  const { id: userId } = callerOf(context);
  const reservationId = idOf('input.reservationId', input.reservationId);
  const { length } = input.moves;
  if (length < 1 || length > MAX_MOVES) throw badInput('input.moves', `must be from 1 to ${MAX_MOVES}`);
  const moves = input.moves.map(({ from, to }, index) => ({
    from: idOf(`input.moves[${index}].from`, from),
    to: idOf(`input.moves[${index}].to`, to),
  }));
  if (new Set(moves.flatMap(({ from, to }) => [from, to])).size < 2 * length) {
    throw badInput('input.moves', 'names a seat twice');
  }
  const key = { userId, key: idempotencyKeyOf(input.idempotencyKey), input: { reservationId, moves } };
  return run(context, MOVE_SEATS, { reservationId, moves }, key);
}

function notMovable(seatIds: string[]): NotMovable {
  return Object.assign(new NotMovable(), sentenceOf('NOT_MOVABLE'), { seatIds });
}
