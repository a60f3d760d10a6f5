import type { EntityManager } from '@mikro-orm/core';
import { Field, ID, InputType, Int } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { idOf, textOf, within } from '../api/input.ts';
import { badInput, notFound } from '../api/problems.ts';
import { DateTime, Money } from '../api/scalars.ts';
import { deedOf, logDeed } from '../commands/operator-log.ts';
import { runAlone } from '../commands/runner.ts';
import { newId } from '../platform/ids.ts';
import { sql } from '../platform/postgres.ts';
import { Concert } from './concert.ts';
import { layOut, MAX_SEATS, type Section } from './lay-out.ts';
import { Show } from './show.ts';

@InputType({ description: 'rows of seatsPerRow seats, the last may be shorter' })
export class SectionInput {
  @Field(() => String)
  name!: string;

  @Field(() => Int)
  seatCount!: number;

  @Field(() => Int, { defaultValue: 10 })
  seatsPerRow!: number;

  @Field(() => Money)
  price!: number;
}

@InputType()
export class CreateShowInput {
  @Field(() => ID)
  concertId!: string;

  @Field(() => String, { defaultValue: '' })
  subtitle!: string;

  @Field(() => String)
  venue!: string;

  @Field(() => DateTime)
  startsAt!: Date;

  @Field(() => Int, { defaultValue: 120 })
  durationMinutes!: number;

  @Field(() => DateTime)
  salesOpenAt!: Date;

  @Field(() => DateTime)
  salesCloseAt!: Date;

  @Field(() => Money)
  price!: number;

  @Field(() => Int, { defaultValue: 50, description: '1 .. 100,000 seats, made with the show' })
  seatCount!: number;

  @Field(() => Int, { defaultValue: 10, description: 'Seats per row, for labels and for seats that are together' })
  seatsPerRow!: number;

  @Field(() => [SectionInput], {
    nullable: true,
    description: 'Instead of seatCount, seatsPerRow and price: numbers run on from one section to the next',
  })
  sections?: SectionInput[] | null;
}

const MAX_PRICE = 1_000_000_000;
const MAX_SECTIONS = 1_000;
const SEATS_PER_STATEMENT = 10_000;

/**
 * Creates a show with all its seats, or nothing.
 * @returns the show
 * @throws CallerError NOT_FOUND for an unknown concert; BAD_USER_INPUT for input outside its bounds
 */
export async function createShow(context: Context, input: CreateShowInput): Promise<Show> {
  const concertId = idOf('input.concertId', input.concertId);
  checkTexts(input);
  const sections = sectionsOf(input);
  const seatCount = sections.reduce((sum, section) => sum + section.seatCount, 0);
  if (seatCount > MAX_SEATS) throw badInput('input.sections', `must have at most ${MAX_SEATS} seats together`);
  if (!(await context.em.findOne(Concert, { id: concertId }))) throw notFound('concert');
  const show = Object.assign(new Show(), {
    id: newId(),
    concertId,
    subtitle: input.subtitle,
    venue: input.venue,
    startsAt: input.startsAt,
    durationMinutes: input.durationMinutes,
    salesOpenAt: input.salesOpenAt,
    salesCloseAt: input.salesCloseAt,
    price: input.price,
    seatCount,
    cancelledAt: null,
    cancelReason: null,
  });
  await runAlone(context.platform, async (em) => {
    await em.insert(show);
    await insertSeats(em, show.id, sections);
    await logDeed(em, context, deedOf([{ after: show }]));
  });
  return show;
}

function checkTexts(input: CreateShowInput): void {
  textOf('input.subtitle', input.subtitle, 0, 200);
  textOf('input.venue', input.venue, 1, 200);
  within('input.durationMinutes', input.durationMinutes, 1, 10_000);
  within('input.price', input.price, 0, MAX_PRICE);
  if (input.salesOpenAt >= input.salesCloseAt) throw badInput('input.salesCloseAt', 'must be after salesOpenAt');
}

function sectionsOf(input: CreateShowInput): Section[] {
  const { sections, seatCount, seatsPerRow, price } = input;
  const all = sections ?? [{ name: '', seatCount, seatsPerRow, price }];
  if (all.length < 1 || all.length > MAX_SECTIONS)
    throw badInput('input.sections', `must be from 1 to ${MAX_SECTIONS}`);
  for (const [index, section] of all.entries()) {
    const path = sections ? `input.sections[${index}]` : 'input';
    if (sections) textOf(`${path}.name`, section.name, 1, 100);
    within(`${path}.seatCount`, section.seatCount, 1, MAX_SEATS);
    within(`${path}.seatsPerRow`, section.seatsPerRow, 1, 1_000);
    within(`${path}.price`, section.price, 0, MAX_PRICE);
  }
  if (new Set(all.map(({ name }) => name)).size < all.length) {
    throw badInput('input.sections', 'must have different names');
  }
  return all;
}

async function insertSeats(em: EntityManager, showId: string, sections: readonly Section[]): Promise<void> {
  let batch: ReturnType<typeof newBatch> = newBatch();
  const flush = async (): Promise<void> => {
    await sql(
      em,
      `insert into seat (id, show_id, number, label, section, row_index, column_index, row_length, price)
       select id, $1, number, label, section, row_index, column_index, row_length, price
       from unnest($2::uuid[], $3::int[], $4::text[], $5::text[], $6::int[], $7::int[], $8::int[], $9::bigint[])
         as u (id, number, label, section, row_index, column_index, row_length, price)`,
      [showId, ...batch],
    );
    batch = newBatch();
  };
  for (const seat of layOut(sections)) {
    const { number, label, section, rowIndex, columnIndex, rowLength, price } = seat;
    const values = [newId(), number, label, section, rowIndex, columnIndex, rowLength, price];
    for (const [column, value] of values.entries()) batch[column]?.push(value);
    if (batch[0]?.length === SEATS_PER_STATEMENT) await flush();
  }
  if (batch[0]?.length) await flush();
}

/** One array for each column of a seat, except its show. */
function newBatch(): unknown[][] {
  return Array.from({ length: 8 }, () => []);
}
