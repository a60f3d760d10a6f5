import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { Money } from '../api/scalars.ts';

export const SeatStatus = { AVAILABLE: 'AVAILABLE', HELD: 'HELD', SOLD: 'SOLD' } as const;
export type SeatStatus = keyof typeof SeatStatus;
registerEnumType(SeatStatus, { name: 'SeatStatus' });

/** A row of `seat` with what its hold and its ticket say: read by `SEAT_COLUMNS`, never written through the ORM. */
@ObjectType({ simpleResolvers: true })
export class Seat {
  @Field(() => ID)
  id!: string;

  @Field(() => ID)
  showId!: string;

  @Field(() => Int, { description: '1..seatCount' })
  number!: number;

  @Field(() => String, {
    description:
      'What the ticket says: row letters and seat in the row (A1 .. Z10, AA1); in a show with several sections led by the section: Balcony-A1',
  })
  label!: string;

  @Field(() => String, { description: 'Empty in a show without sections' })
  section!: string;

  @Field(() => Money)
  price!: number;

  @Field(() => SeatStatus, { description: 'A lapsed hold is AVAILABLE, swept or not' })
  status!: SeatStatus;

  @Field(() => Int, {
    description: 'Goes up with every change: of two states of a seat the higher is the newer',
  })
  revision!: number;
}

/** Columns of a Seat over `seat s left join hold h left join ticket t`; a hold that lapsed counts as one more change. */
export const SEAT_COLUMNS = `
  s.id, s.show_id as "showId", s.number, s.label, s.section, s.price::float8 as price,
  case when t.seat_id is not null then 'SOLD' when h.expires_at > clock_timestamp() then 'HELD' else 'AVAILABLE' end as status,
  s.revision + case when h.expires_at <= clock_timestamp() then 1 else 0 end as revision`;

export const SEAT_TABLES = 'seat s left join hold h on h.seat_id = s.id left join ticket t on t.seat_id = s.id';

/** Rows of `SEAT_COLUMNS` have every field of a Seat, and need no more to be one. */
export function toSeats(rows: readonly object[]): Seat[] {
  return rows as Seat[];
}
