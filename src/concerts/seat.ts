import { BigIntType, type EntityManager } from '@mikro-orm/core';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { DateTime, Money } from '../api/scalars.ts';
import type { EventsOf } from '../commands/event-types.ts';
import { newId } from '../platform/ids.ts';
import { anyOf, prepared, sql } from '../platform/postgres.ts';
import { placeOf } from './lay-out.ts';

export const SeatStatus = { AVAILABLE: 'AVAILABLE', HELD: 'HELD', SOLD: 'SOLD' } as const;
export type SeatStatus = keyof typeof SeatStatus;
registerEnumType(SeatStatus, {
  name: 'SeatStatus',
  description: 'Whether a seat can be had',
  valuesConfig: {
    AVAILABLE: { description: 'Nobody has the seat; also once its hold has lapsed' },
    HELD: { description: 'A reservation holds the seat' },
    SOLD: { description: 'The seat was paid for' },
  },
});

/**
 * A row of `hold`: keeps a seat for a reservation. It has no effect from `expiresAt` on, whether or not it was swept.
 */
@Entity({ tableName: 'hold' })
export class Hold {
  @PrimaryKey({ type: 'uuid' })
  seatId!: string;

  @Property({ type: 'uuid' })
  reservationId!: string;

  @Property({ type: 'uuid' })
  showId!: string;

  @Property({ type: 'uuid' })
  userId!: string;

  @Property({ type: 'datetime', columnType: 'timestamptz' })
  expiresAt!: Date;

  /** Number of seats of the reservation. Not a column: it is read from the reservation together with the hold. */
  size!: number;
}

/**
 * A row of `ticket`: the permanent ownership of a seat. A seat that was given back or moved away from has no ticket any
 * more, or another one.
 */
@ObjectType({ description: 'The right to one seat of one show, for whoever has paid for it' })
@Entity({ tableName: 'ticket' })
export class Ticket {
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Property({ type: 'uuid' })
  seatId!: string;

  @Property({ type: 'uuid' })
  reservationId!: string;

  @Property({ type: 'uuid' })
  showId!: string;

  @Property({ type: 'uuid' })
  userId!: string;

  @Property({ type: 'datetime', columnType: 'timestamptz', defaultRaw: 'clock_timestamp()' })
  createdAt?: Date;

  @Field(() => DateTime, { nullable: true, description: 'When its owner was let in; null until then' })
  @Property({ type: 'datetime', columnType: 'timestamptz', nullable: true })
  checkedInAt!: Date | null;

  /** Its seat; known only where tickets are read for their owner. */
  seat?: Seat;

  /** Lets its owner in. @throws Error when that was done before */
  checkIn(now: Date): void {
    if (this.checkedInAt !== null) throw new Error('a ticket lets in once');
    this.checkedInAt = now;
  }
}

/** The reservation for which a seat is held or sold. */
export interface SeatHolder {
  /** Id of the reservation. */
  readonly id: string;
  readonly userId: string;
  readonly seatIds: readonly string[];
  readonly expiresAt: Date;
}

/**
 * A row of `seat`. `SEAT_COLUMNS` reads the fields of the GraphQL type. The runner of commands reads the row under its
 * lock, with its hold and ticket, and the methods below change them.
 */
@ObjectType({ simpleResolvers: true, description: 'One seat of one show' })
@Entity({ tableName: 'seat' })
export class Seat {
  @Field(() => ID, { description: 'Id of the seat' })
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Field(() => ID, { description: 'Id of the show' })
  @Property({ type: 'uuid' })
  showId!: string;

  @Field(() => Int, { description: 'Its number in the show, from 1 to `Show.seatCount`' })
  @Property({ type: 'integer' })
  number!: number;

  @Field(() => String, {
    description:
      'What the ticket says: row letters and seat in the row (A1 .. Z10, AA1); in a show with several sections led by the section: Balcony-A1',
  })
  @Property({ type: 'text' })
  label!: string;

  @Field(() => String, { description: 'Name of its section; empty in a show without sections' })
  @Property({ type: 'text' })
  section!: string;

  @Field(() => String, { description: 'Letters of its row within the section, from the front: A .. Z, AA' })
  row!: string;

  @Field(() => Int, { description: 'Its number in the row; seats beside each other differ by 1' })
  column!: number;

  @Field(() => Money, { description: 'What the seat costs now' })
  @Property({ type: new BigIntType('number') })
  price!: number;

  @Field(() => SeatStatus, { description: 'Whether the seat can be had. A lapsed hold is AVAILABLE at once' })
  status!: SeatStatus;

  @Field(() => Int, {
    description: 'Rises with every change: of two states of one seat the one with the higher revision is newer',
  })
  @Property({ type: 'integer' })
  revision!: number;

  /** Hold and ticket, known under the lock only; null for none. */
  holding!: Hold | null;
  ticket!: Ticket | null;

  /** Whether the seat is neither sold nor held at the instant `now`. */
  isFree(now: Date): boolean {
    return this.ticket === null && !this.isHeld(now);
  }

  /** Whether the reservation has the seat, and its hold has not lapsed at the instant `now`. */
  isHeldBy(reservationId: string, now: Date): boolean {
    return this.isHeld(now) && this.holding?.reservationId === reservationId;
  }

  /**
   * Holds a free seat until the reservation expires. The new hold replaces a lapsed one; the lapse and the new hold
   * count as two changes of the seat.
   * @throws Error for a seat that is sold or held
   */
  hold({ id, userId, seatIds, expiresAt }: SeatHolder, now: Date): void {
    if (!this.isFree(now)) throw new Error('a seat that is sold or held cannot be held');
    this.revision += this.holding ? 2 : 1;
    this.holding = Object.assign(new Hold(), {
      seatId: this.id,
      reservationId: id,
      showId: this.showId,
      userId,
      expiresAt,
      size: seatIds.length,
    });
  }

  /**
   * Sells the seat to the reservation's user: a ticket replaces the hold, lapsed or not.
   * @throws Error for a seat that is sold, or held by another reservation
   */
  sell({ id, userId }: SeatHolder, now: Date): void {
    if (!this.isFree(now) && !this.isHeldBy(id, now))
      throw new Error('a seat that is sold, or held by another reservation, cannot be sold');
    this.revision += this.holding && !this.isHeld(now) ? 2 : 1;
    this.holding = null;
    this.ticket = Object.assign(new Ticket(), {
      id: newId(),
      seatId: this.id,
      reservationId: id,
      showId: this.showId,
      userId,
      createdAt: now,
      checkedInAt: null,
    });
  }

  /**
   * Takes the ticket of another seat over: the reservation has this seat from now on, under a new ticket, checked in where
   * the old one was.
   * @throws Error unless the reservation has a ticket for the other seat, and this one is free
   */
  takeOver(other: Seat, holder: SeatHolder, now: Date): void {
    if (other.ticket?.reservationId !== holder.id) throw new Error('a seat is left that the reservation does not have');
    const { checkedInAt } = other.ticket;
    other.takeBack(holder.id);
    this.sell(holder, now);
    if (this.ticket) this.ticket.checkedInAt = checkedInAt;
  }

  /** Removes the reservation's hold, lapsed or not; changes nothing when the reservation no longer has the hold. */
  release(reservationId: string): void {
    if (this.holding?.reservationId !== reservationId) return;
    this.holding = null;
    this.revision += 1;
  }

  /**
   * Removes the reservation's ticket: the seat is on sale again. Changes nothing when the reservation has no ticket.
   */
  takeBack(reservationId: string): void {
    if (this.ticket?.reservationId !== reservationId) return;
    this.ticket = null;
    this.revision += 1;
  }

  /** The seat at the instant `now`, with the public fields. */
  shownAt(now: Date): Seat {
    const { id, showId, number, label, section, price, revision, holding, ticket } = this;
    const isHeld = this.isHeld(now);
    const status = ticket ? 'SOLD' : isHeld ? 'HELD' : 'AVAILABLE';
    return toSeats([
      { id, showId, number, label, section, price, status, revision: revision + (holding && !isHeld ? 1 : 0) },
    ])[0] as Seat;
  }

  private isHeld(now: Date): boolean {
    return this.holding !== null && this.holding.expiresAt > now;
  }
}

/** Reads the holds and tickets of locked seats; reading them in the locking statement could give older rows. */
export async function readHolders(em: EntityManager, seats: readonly Seat[]): Promise<void> {
  const rows = await sql<Hold & { ticketId: string | null; createdAt: Date; checkedInAt: Date | null }>(
    em,
    prepared(`select h.seat_id as "seatId", h.reservation_id as "reservationId", h.show_id as "showId", h.user_id as "userId",
       h.expires_at as "expiresAt", cardinality(r.seat_ids) as size, null::uuid as "ticketId", null::timestamptz as "createdAt",
       null::timestamptz as "checkedInAt"
     from hold h join reservation r on r.id = h.reservation_id where h.seat_id = ${anyOf(1)}
     union all
     select seat_id, reservation_id, show_id, user_id, null, null, id, created_at, checked_in_at from ticket where seat_id = ${anyOf(1)}`),
    [seats.map(({ id }) => id)],
  );
  for (const seat of seats) Object.assign(seat, { holding: null, ticket: null });
  const byId = new Map(seats.map((seat) => [seat.id, seat]));
  for (const { ticketId, expiresAt, createdAt, checkedInAt, size, ...holder } of rows) {
    const seat = byId.get(holder.seatId);
    if (!seat) continue;
    if (ticketId) seat.ticket = Object.assign(new Ticket(), { ...holder, id: ticketId, createdAt, checkedInAt });
    else seat.holding = Object.assign(new Hold(), { ...holder, expiresAt, size });
  }
}

/**
 * Writes changed seats, which must be locked, with their holds and tickets.
 * @param seats each as it was read and as it is now
 * @throws Error when a row is no longer as it was read, which a lock prevents: the transaction must not commit
 */
export async function writeSeats(
  em: EntityManager,
  seats: readonly { readonly before: Seat; readonly after: Seat }[],
): Promise<void> {
  // One statement cannot take a ticket away and make another one for the same seat: in two batches it can.
  const isResold = seats.some(({ before, after }) => before.ticket && after.ticket && before.ticket !== after.ticket);
  if (isResold) throw new Error('a seat was taken back and sold again in one batch');
  const given = seats.flatMap(({ before, after }) => (before.holding && !after.holding ? before.holding : []));
  const taken = seats.flatMap(({ before, after }) => (!before.holding && after.holding ? after.holding : []));
  const passed = seats.flatMap(({ before, after }) =>
    before.holding && after.holding && before.holding !== after.holding
      ? { ...after.holding, from: before.holding.reservationId }
      : [],
  );
  const sold = seats.flatMap(({ before, after }) => (after.ticket && !before.ticket ? after.ticket : []));
  const back = seats.flatMap(({ before, after }) => (before.ticket && !after.ticket ? before.ticket : []));
  const [row] = await sql<{ seats: number; given: number; passed: number; taken: number; sold: number; back: number }>(
    em,
    prepared(`with changed as (
       update seat s set revision = u.after from unnest($1::uuid[], $2::int[], $3::int[]) as u (id, before, after)
       where s.id = u.id and s.revision = u.before returning s.id
     ), given as (
       delete from hold h using unnest($4::uuid[], $5::uuid[]) as u (seat_id, reservation_id)
       where h.seat_id = u.seat_id and h.reservation_id = u.reservation_id returning h.seat_id
     ), passed as (
       update hold h set reservation_id = u.reservation_id, user_id = u.user_id, expires_at = u.expires_at
       from unnest($6::uuid[], $7::uuid[], $8::uuid[], $9::uuid[], $10::timestamptz[])
         as u (seat_id, held_for, reservation_id, user_id, expires_at)
       where h.seat_id = u.seat_id and h.reservation_id = u.held_for returning h.seat_id
     ), taken as (
       insert into hold (seat_id, reservation_id, show_id, user_id, expires_at)
       select * from unnest($11::uuid[], $12::uuid[], $13::uuid[], $14::uuid[], $15::timestamptz[]) returning seat_id
     ), back as (
       delete from ticket where id = ${anyOf(16)} returning seat_id
     ), sold as (
       insert into ticket (id, seat_id, reservation_id, show_id, user_id, created_at, checked_in_at)
       select * from unnest($17::uuid[], $18::uuid[], $19::uuid[], $20::uuid[], $21::uuid[], $22::timestamptz[], $23::timestamptz[])
       returning seat_id
     )
     select (select count(*) from changed) as seats, (select count(*) from given) as given,
       (select count(*) from passed) as passed, (select count(*) from taken) as taken,
       (select count(*) from sold) as sold, (select count(*) from back) as back`),
    [
      seats.map(({ before }) => before.id),
      seats.map(({ before }) => before.revision),
      seats.map(({ after }) => after.revision),
      given.map(({ seatId }) => seatId),
      given.map(({ reservationId }) => reservationId),
      passed.map(({ seatId }) => seatId),
      passed.map(({ from }) => from),
      passed.map(({ reservationId }) => reservationId),
      passed.map(({ userId }) => userId),
      passed.map(({ expiresAt }) => expiresAt),
      taken.map(({ seatId }) => seatId),
      taken.map(({ reservationId }) => reservationId),
      taken.map(({ showId }) => showId),
      taken.map(({ userId }) => userId),
      taken.map(({ expiresAt }) => expiresAt),
      back.map(({ id }) => id),
      sold.map(({ id }) => id),
      sold.map(({ seatId }) => seatId),
      sold.map(({ reservationId }) => reservationId),
      sold.map(({ showId }) => showId),
      sold.map(({ userId }) => userId),
      sold.map(({ createdAt }) => createdAt),
      sold.map(({ checkedInAt }) => checkedInAt),
    ],
  );
  const isWhole =
    row?.seats === seats.length &&
    row.given === given.length &&
    row.passed === passed.length &&
    row.taken === taken.length &&
    row.sold === sold.length &&
    row.back === back.length;
  if (!isWhole) throw new Error('seats judged under their locks were not as they were read');
}

/** Writes locked tickets that were checked in. @throws Error when one was taken back, or checked in, meanwhile */
export async function writeTickets(em: EntityManager, tickets: readonly { readonly after: Ticket }[]): Promise<void> {
  const written = await sql(
    em,
    prepared(`update ticket t set checked_in_at = u.at from unnest($1::uuid[], $2::timestamptz[]) as u (id, at)
     where t.id = u.id and t.checked_in_at is null returning t.id`),
    [tickets.map(({ after }) => after.id), tickets.map(({ after }) => after.checkedInAt)],
  );
  if (written.length < tickets.length) throw new Error('tickets were not as they were read');
}

/** The event of a ticket that was checked in. */
export const eventsOfTicket: EventsOf<Ticket> = ({ before, after }) => {
  const { id, reservationId, showId, seatId, userId, checkedInAt } = after;
  if (!before || checkedInAt === null) return [];
  const data = { ticketId: id, reservationId, showId, seatId, userId, checkedInAt: checkedInAt.toISOString() };
  return [{ type: 'ticket.checked_in.v1', aggregate: id, data }];
};

@ObjectType({
  simpleResolvers: true,
  description: 'The status of every seat of one show at one moment, in short',
})
export class SeatStates {
  @Field(() => ID, { description: 'Id of the show' })
  showId!: string;

  @Field(() => String, {
    description:
      'A letter for each seat, in the order of numbers, the first for number 1: A is AVAILABLE, H is HELD, S is SOLD',
  })
  states!: string;

  @Field(() => Int, {
    description:
      'Rises with every change of any seat: of two states of one show the one with the higher revision is newer',
  })
  revision!: number;
}

/** Columns of a Seat over `seat s left join hold h left join ticket t`; a lapsed hold adds 1 to the revision. */
export const SEAT_COLUMNS = `
  s.id, s.show_id as "showId", s.number, s.label, s.section, s.price::float8 as price,
  case when t.seat_id is not null then 'SOLD' when h.expires_at > clock_timestamp() then 'HELD' else 'AVAILABLE' end as status,
  s.revision + case when h.expires_at <= clock_timestamp() then 1 else 0 end as revision`;

export const SEAT_TABLES = 'seat s left join hold h on h.seat_id = s.id left join ticket t on t.seat_id = s.id';

/** The public fields of a Seat but its row and column, which follow from the label. */
export type SeatRow = Pick<Seat, 'id' | 'showId' | 'number' | 'label' | 'section' | 'price' | 'status' | 'revision'>;

/** Makes seats of rows, by adding to each its row and column. */
export function toSeats(rows: readonly SeatRow[]): Seat[] {
  for (const row of rows) Object.assign(row, placeOf(row.label));
  return rows as Seat[];
}
