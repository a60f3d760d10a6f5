import { ArrayType, BigIntType, type EntityManager } from '@mikro-orm/core';
import { Entity, Formula, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { createUnionType, Field, ID, ObjectType, registerEnumType } from 'type-graphql';
import { connectionOf } from '../api/connection.ts';
import { Problem, Refusal, sentenceOf } from '../api/problems.ts';
import { DateTime, Money } from '../api/scalars.ts';
import type { EventData, EventsOf, NewEvent } from '../commands/event-types.ts';
import { prepared, sql } from '../platform/postgres.ts';

export const ReservationStatus = {
  HELD: 'HELD',
  CONFIRMED: 'CONFIRMED',
  EXPIRED: 'EXPIRED',
  RELEASED: 'RELEASED',
  CANCELLED: 'CANCELLED',
} as const;
export type ReservationStatus = keyof typeof ReservationStatus;
registerEnumType(ReservationStatus, {
  name: 'ReservationStatus',
  description: 'Where a reservation stands',
  valuesConfig: {
    HELD: { description: 'Its seats are held until `expiresAt`' },
    CONFIRMED: { description: 'It was paid for: the user has its seats' },
    EXPIRED: { description: 'It was not paid for until `expiresAt`: its seats are free' },
    RELEASED: { description: 'Its seats were given up before they were paid for' },
    CANCELLED: { description: 'It was paid for, then all of it was given back' },
  },
});

/** A row of `reservation`. The methods of `Seat` say whether it has its seats. */
@ObjectType({ description: 'Seats of one show that a user holds, has bought, or had' })
@Entity({ tableName: 'reservation' })
export class Reservation {
  @Field(() => ID, { description: 'Id of the reservation' })
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Property({ type: 'uuid' })
  userId!: string;

  @Property({ type: 'uuid' })
  showId!: string;

  /**
   * Seats that it has, or had when it ended. While it is CONFIRMED, refunds take seats out and moves exchange them; before,
   * it never changes.
   */
  @Property({ type: 'uuid[]', columnType: 'uuid[]' })
  seatIds!: string[];

  @Field(() => [Money], { description: 'Price of each seat when it was held, in the order of `seats`' })
  @Property({ type: new ArrayType(Number), columnType: 'bigint[]' })
  seatPrices!: number[];

  /** The status as stored: a lapsed hold is HELD here until the row is written again. */
  @Property({ type: 'text', fieldName: 'status' })
  storedStatus!: ReservationStatus;

  @Field(() => ReservationStatus, { description: 'Where it stands now; a lapsed hold is EXPIRED at once' })
  @Formula((columns) => statusNow(columns.storedStatus, columns.expiresAt), { fieldName: 'status_now' })
  status!: ReservationStatus;

  @Field(() => Money, { description: "Sum of the seats' prices, fixed when they were held" })
  @Property({ type: new BigIntType('number') })
  amount!: number;

  /** Queue of the pass that it was made with; null when no queue is in front. */
  @Property({ type: 'uuid', nullable: true })
  queueId!: string | null;

  @Property({ type: 'text', nullable: true })
  tokenHash!: string | null;

  @Field(() => DateTime, { description: 'When the seats were held' })
  @Property({ type: 'datetime', columnType: 'timestamptz' })
  createdAt!: Date;

  @Field(() => DateTime, {
    description:
      'When the hold ends, or ended. Seats that the same user released and holds again keep the end that they had',
  })
  @Property({ type: 'datetime', columnType: 'timestamptz' })
  expiresAt!: Date;

  @Field(() => String, { nullable: true, description: 'Why it was cancelled; null unless CANCELLED with a reason' })
  @Property({ type: 'text', nullable: true })
  cancelReason!: string | null;

  /** When it was CONFIRMED, RELEASED or CANCELLED last; null before, and for rows that ended before this was kept. */
  @Property({ type: 'datetime', columnType: 'timestamptz', nullable: true })
  endedAt!: Date | null;

  @Field(() => DateTime, {
    nullable: true,
    description:
      'When it got its present status: was paid for, released, lapsed or cancelled; null while HELD, and where that was not recorded',
  })
  get completedAt(): Date | null {
    if (this.status === 'HELD') return null;
    return this.status === 'EXPIRED' ? this.expiresAt : this.endedAt;
  }

  /** The status at the instant `now`: a lapsed hold is EXPIRED, whether or not the sweep has ended it. */
  statusAt(now: Date): ReservationStatus {
    return this.storedStatus === 'HELD' && this.expiresAt <= now ? 'EXPIRED' : this.storedStatus;
  }

  /** Makes it CONFIRMED; call `Seat.sell` for each of its seats too. @throws Error unless it is HELD or EXPIRED */
  confirm(now: Date): void {
    this.become('CONFIRMED', ['HELD', 'EXPIRED'], now);
  }

  /** Makes it RELEASED: its seats are given up. @throws Error unless it is HELD */
  release(now: Date): void {
    this.become('RELEASED', ['HELD'], now);
  }

  /**
   * Makes it CANCELLED: all of its tickets are taken back. It keeps the seats that it had.
   * @throws Error unless it is CONFIRMED
   */
  cancel(reason: string | null, now: Date): void {
    this.become('CANCELLED', ['CONFIRMED'], now);
    this.cancelReason = reason;
  }

  /**
   * Takes some of its seats out; call `Seat.takeBack` for each of them too.
   * @returns what they cost when they were held, in minor units
   * @throws Error unless it is CONFIRMED, has these seats, and keeps others
   */
  giveBack(seatIds: readonly string[]): number {
    const left = this.seatIds.filter((id) => !seatIds.includes(id));
    if (this.storedStatus !== 'CONFIRMED' || left.length === 0 || left.length + seatIds.length !== this.seatIds.length)
      throw new Error('only some of the seats of a CONFIRMED reservation are given back');
    const amount = this.priceOf(seatIds);
    this.seatPrices = this.seatPrices.filter((_, index) => left.includes(this.seatIds[index] as string));
    this.seatIds = left;
    return amount;
  }

  /**
   * Exchanges seats for others at the same price; call `Seat.takeOver` for each of them too.
   * @param moves the new seat of each seat that it leaves
   * @param numberOf the number of a seat, by which its seats are sorted
   * @throws Error unless it is CONFIRMED and has the seats
   */
  move(moves: ReadonlyMap<string, string>, numberOf: (seatId: string) => number): void {
    if (this.storedStatus !== 'CONFIRMED' || ![...moves.keys()].every((id) => this.seatIds.includes(id)))
      throw new Error('only seats of a CONFIRMED reservation are moved');
    const seats = this.seatIds.map((id, index) => ({
      id: moves.get(id) ?? id,
      price: this.seatPrices[index] as number,
    }));
    seats.sort((a, b) => numberOf(a.id) - numberOf(b.id));
    this.seatIds = seats.map(({ id }) => id);
    this.seatPrices = seats.map(({ price }) => price);
  }

  /** What some of its seats cost when they were held, in minor units. */
  priceOf(seatIds: readonly string[]): number {
    return this.seatIds.reduce((sum, id, index) => sum + (seatIds.includes(id) ? (this.seatPrices[index] ?? 0) : 0), 0);
  }

  /** Whether it has exactly the seats that were read before it was locked. */
  hasSeats({ seatIds }: { readonly seatIds: readonly string[] }): boolean {
    return this.seatIds.length === seatIds.length && this.seatIds.every((id, index) => seatIds[index] === id);
  }

  private become(status: ReservationStatus, from: readonly ReservationStatus[], now: Date): void {
    if (!from.includes(this.storedStatus)) throw new Error(`a ${this.storedStatus} reservation cannot be ${status}`);
    this.storedStatus = status;
    this.status = status;
    this.endedAt = now;
  }
}

/** Reads a reservation of any user as it is now. @returns null for an unknown id */
export function findReservation(em: EntityManager, id: string): Promise<Reservation | null> {
  return em.findOne(Reservation, { id }, { disableIdentityMap: true });
}

export const ReservationConnection = connectionOf('Reservation', Reservation);

/** SQL for the status now: EXPIRED for a lapsed hold, else the stored one. */
function statusNow(status: string, expiresAt: string): string {
  return `case when ${status} = 'HELD' and ${expiresAt} <= clock_timestamp() then 'EXPIRED' else ${status} end`;
}

/**
 * Writes locked reservations: their statuses in one statement, and then the seats of those that have others, of which
 * there are few. @throws Error when a row is no longer as it was read
 */
export async function writeReservations(
  em: EntityManager,
  reservations: readonly { readonly before: Reservation; readonly after: Reservation }[],
): Promise<void> {
  const written = await sql(
    em,
    prepared(`update reservation r set status = u.after, cancel_reason = u.reason, ended_at = u.ended_at
     from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[]) as u (id, before, after, reason, ended_at)
     where r.id = u.id and r.status = u.before returning r.id`),
    [
      reservations.map(({ before }) => before.id),
      reservations.map(({ before }) => before.storedStatus),
      reservations.map(({ after }) => after.storedStatus),
      reservations.map(({ after }) => after.cancelReason),
      reservations.map(({ after }) => after.endedAt),
    ],
  );
  if (written.length < reservations.length) throw new Error('reservations were not as they were read');
  for (const { before, after } of reservations) {
    if (before.seatIds === after.seatIds) continue;
    const { id, seatIds, seatPrices } = after;
    await sql(em, 'update reservation set seat_ids = $2, seat_prices = $3 where id = $1', [id, seatIds, seatPrices]);
  }
}

@ObjectType({
  implements: Problem,
  description: '`SEATS_UNAVAILABLE`: seats are held or sold, by the caller or by others; nothing was taken',
})
export class SeatsUnavailable extends Problem {
  @Field(() => [ID], { description: 'The seats asked for that are taken; empty where the server was to choose them' })
  seatIds!: string[];
}

@ObjectType({ implements: Problem, description: '`SALE_CLOSED`: the show is not on sale now; nothing was held' })
export class SaleClosed extends Problem {
  @Field(() => DateTime, { description: 'From when the show is sold' })
  salesOpenAt!: Date;

  @Field(() => DateTime, { description: 'Until when the show is sold' })
  salesCloseAt!: Date;
}

export const ReserveResult = createUnionType({
  name: 'ReserveResult',
  description:
    'The Reservation, SeatsUnavailable, SaleClosed, or a Refusal: `TOO_MANY_SEATS`, `SHOW_CANCELLED`, of `reserveBest` also `IDEMPOTENCY_CONFLICT`',
  types: () => [Reservation, SeatsUnavailable, SaleClosed, Refusal] as const,
});
export const ReleaseResult = createUnionType({
  name: 'ReleaseResult',
  description: 'The Reservation, or a Refusal `NOT_CANCELLABLE`',
  types: () => [Reservation, Refusal] as const,
});

export type ReserveRefusal = SeatsUnavailable | SaleClosed | Refusal;

export function seatsUnavailable(seatIds: string[]): SeatsUnavailable {
  return Object.assign(new SeatsUnavailable(), sentenceOf('SEATS_UNAVAILABLE'), { seatIds });
}

export function saleClosed(salesOpenAt: Date, salesCloseAt: Date): SaleClosed {
  return Object.assign(new SaleClosed(), sentenceOf('SALE_CLOSED'), { salesOpenAt, salesCloseAt });
}

/**
 * The events of a reservation: it is new and HELD, its status has changed, or it has moved to other seats. It has none
 * when its payment is given back: that is told of the payment.
 */
export const eventsOfReservation: EventsOf<Reservation> = ({ before, after }, { now }) => {
  const { id, userId, showId, seatIds, amount, expiresAt, storedStatus } = after;
  const data = { reservationId: id, userId, showId, seatIds, amount };
  if (!before) {
    const held = { ...data, expiresAt: expiresAt.toISOString() };
    return [{ type: 'reservation.held.v1', aggregate: id, data: held }];
  }
  if (before.storedStatus === storedStatus) {
    const isMoved = before.seatIds !== seatIds && before.seatIds.length === seatIds.length;
    const moved = { ...data, fromSeatIds: before.seatIds };
    return isMoved ? [{ type: 'reservation.moved.v1', aggregate: id, data: moved }] : [];
  }
  if (storedStatus === 'CONFIRMED') return [{ type: 'reservation.confirmed.v1', aggregate: id, data }];
  if (storedStatus === 'RELEASED' && expiresAt > now) return [{ type: 'reservation.released.v1', aggregate: id, data }];
  return storedStatus === 'EXPIRED' || storedStatus === 'RELEASED' ? [lapsed(data)] : [];
};

/** The event of a hold that has lapsed. */
export function lapsed(data: EventData<'reservation.lapsed.v1'>): NewEvent {
  return { type: 'reservation.lapsed.v1', aggregate: data.reservationId, data };
}
