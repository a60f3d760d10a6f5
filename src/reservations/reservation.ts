import { Field, ID, ObjectType, registerEnumType } from 'type-graphql';
import { connectionOf } from '../api/connection.ts';
import { DateTime, Money } from '../api/scalars.ts';

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
  valuesConfig: {
    HELD: { description: 'Seats are held until expiresAt' },
    CONFIRMED: { description: "Paid: the seats are the holder's" },
    CANCELLED: { description: 'Paid, then cancelled and refunded' },
  },
});

/** A row of `reservation`, with the status that the clock gives it: read by `RESERVATION_COLUMNS`. */
@ObjectType()
export class Reservation {
  @Field(() => ID)
  id!: string;

  userId!: string;
  showId!: string;
  seatIds!: string[];

  @Field(() => ReservationStatus)
  status!: ReservationStatus;

  @Field(() => Money, { description: "Sum of the seats' prices, fixed when they were held" })
  amount!: number;

  @Field(() => DateTime)
  createdAt!: Date;

  @Field(() => DateTime)
  expiresAt!: Date;
}

export const ReservationConnection = connectionOf('Reservation', Reservation);

/** The status of reservation `r` now: a hold that lapsed is EXPIRED, swept or not. */
export const STATUS_NOW = `case when r.status = 'HELD' and r.expires_at <= clock_timestamp() then 'EXPIRED' else r.status end`;

/** Columns of a Reservation over `reservation r`. */
export const RESERVATION_COLUMNS = `
  r.id, r.user_id as "userId", r.show_id as "showId", r.seat_ids as "seatIds", r.amount::float8 as amount,
  ${STATUS_NOW} as status, (extract(epoch from r.created_at) * 1000)::float8 as "createdAt",
  (extract(epoch from r.expires_at) * 1000)::float8 as "expiresAt"`;

/** A row of `RESERVATION_COLUMNS`. */
export interface ReservationRow extends Omit<Reservation, 'createdAt' | 'expiresAt'> {
  readonly createdAt: number;
  readonly expiresAt: number;
}

export function toReservation(row: ReservationRow): Reservation {
  return Object.assign(new Reservation(), row, {
    createdAt: new Date(row.createdAt),
    expiresAt: new Date(row.expiresAt),
  });
}
