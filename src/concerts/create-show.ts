import type { EntityManager } from '@mikro-orm/core';
import { Field, ID, InputType, Int } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { idOf, textOf, within } from '../api/input.ts';
import { badInput, notFound } from '../api/problems.ts';
import { DateTime, Money } from '../api/scalars.ts';
import { concertLock, lockNames, MAX_ALONE_WAIT_MS } from '../commands/lock-order.ts';
import { deedOf, logDeed } from '../commands/operator-log.ts';
import { runAlone } from '../commands/runner.ts';
import { newId } from '../platform/ids.ts';
import { readClock, sql } from '../platform/postgres.ts';
import { Concert } from './concert.ts';
import { type LaidOutSeat, layOut, MAX_SEATS, type Section } from './lay-out.ts';
import { Show } from './show.ts';

@InputType({ description: 'A named part of the seats of a show: rows of `seatsPerRow` seats, the last may be shorter' })
export class SectionInput {
  @Field(() => String, { description: '1 .. 100 characters, no other section of the show has it' })
  name!: string;

  @Field(() => Int, { description: 'How many seats: 1 .. 100,000 in all sections of the show together' })
  seatCount!: number;

  @Field(() => Int, { defaultValue: 10, description: 'Seats of a row, 1 .. 1,000' })
  seatsPerRow!: number;

  @Field(() => Money, { description: 'Price of each seat, 0 .. 1,000,000,000' })
  price!: number;
}

@InputType({ description: 'A new date of a concert, with its seats' })
export class CreateShowInput {
  @Field(() => ID, { description: 'Id of the concert' })
  concertId!: string;

  @Field(() => String, { defaultValue: '', description: 'What is special about this date: at most 200 characters' })
  subtitle!: string;

  @Field(() => String, { description: 'Where it takes place: 1 .. 200 characters' })
  venue!: string;

  @Field(() => DateTime, { description: 'When it begins, in the future' })
  startsAt!: Date;

  @Field(() => Int, { defaultValue: 120, description: 'How long it lasts, in minutes: 1 .. 10,000' })
  durationMinutes!: number;

  @Field(() => DateTime, { description: 'From when its seats are sold; before `salesCloseAt`' })
  salesOpenAt!: Date;

  @Field(() => DateTime, { description: 'Until when its seats are sold' })
  salesCloseAt!: Date;

  @Field(() => Money, { description: 'Price of each seat, unless `sections` set it: 0 .. 1,000,000,000' })
  price!: number;

  @Field(() => Int, { defaultValue: 50, description: 'How many seats are made with the show: 1 .. 100,000' })
  seatCount!: number;

  @Field(() => Int, {
    defaultValue: 10,
    description: 'Seats of a row, 1 .. 1,000: for labels, and to find seats that are together',
  })
  seatsPerRow!: number;

  @Field(() => [SectionInput], {
    nullable: true,
    description:
      '1 .. 1,000 sections instead of `seatCount`, `seatsPerRow` and `price`; the numbers of seats run on from one section to the next',
  })
  sections?: SectionInput[] | null;
}

export const MAX_PRICE = 1_000_000_000;
export const MAX_SECTIONS = 1_000;
/** Seats that one statement writes. */
export const SEATS_PER_STATEMENT = 10_000;

/**
 * Creates a show with all its seats, or nothing.
 * @returns the show
 * @throws CallerError NOT_FOUND for an unknown concert; BAD_USER_INPUT for input outside its bounds, a concert that was
 * withdrawn, and unless it starts in the future; SERVICE_UNAVAILABLE while the concert is being withdrawn for two seconds
 */
export async function createShow(context: Context, input: CreateShowInput): Promise<Show> {
  const concertId = idOf('input.concertId', input.concertId);
  checkShow(input);
  within('input.price', input.price, 0, MAX_PRICE);
  if (input.salesOpenAt >= input.salesCloseAt) throw badInput('input.salesCloseAt', 'must be after salesOpenAt');
  const sections = sectionsOf(input);
  const seatCount = sections.reduce((sum, section) => sum + section.seatCount, 0);
  if (seatCount > MAX_SEATS) throw badInput('input.sections', `must have at most ${MAX_SEATS} seats together`);
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
    await lockNames(em, [{ shared: [concertLock(concertId)] }], MAX_ALONE_WAIT_MS);
    const concert = await em.findOne(Concert, { id: concertId });
    if (!concert) throw notFound('concert');
    if (concert.withdrawnAt !== null) throw badInput('input.concertId', 'is a concert that was withdrawn');
    if (show.startsAt <= (await readClock(em))) throw badInput('input.startsAt', 'must lie in the future');
    await em.insert(show);
    await insertSeats(em, show.id, layOut(sections));
    await logDeed(em, context, deedOf([{ after: show }]));
  });
  return show;
}

/** Checks those texts and numbers of a show that are given. @throws CallerError BAD_USER_INPUT */
export function checkShow({ subtitle, venue, durationMinutes }: Partial<CreateShowInput>): void {
  if (subtitle !== undefined) textOf('input.subtitle', subtitle, 0, 200);
  if (venue !== undefined) textOf('input.venue', venue, 1, 200);
  if (durationMinutes !== undefined) within('input.durationMinutes', durationMinutes, 1, 10_000);
}

function sectionsOf({ sections, seatCount, seatsPerRow, price }: CreateShowInput): readonly Section[] {
  if (sections) return checkSections('input.sections', sections);
  const only = { name: '', seatCount, seatsPerRow, price };
  checkSizes('input', only);
  return [only];
}

/**
 * Checks named sections. @returns them
 * @param argument their path, as for `badInput`
 * @throws CallerError BAD_USER_INPUT unless they are 1..1,000 of different names, each within its bounds
 */
export function checkSections(argument: string, sections: readonly Section[]): readonly Section[] {
  const { length } = sections;
  if (length < 1 || length > MAX_SECTIONS) throw badInput(argument, `must be from 1 to ${MAX_SECTIONS}`);
  for (const [index, section] of sections.entries()) {
    textOf(`${argument}[${index}].name`, section.name, 1, 100);
    checkSizes(`${argument}[${index}]`, section);
  }
  if (new Set(sections.map(({ name }) => name)).size < length) throw badInput(argument, 'must have different names');
  return sections;
}

function checkSizes(argument: string, { seatCount, seatsPerRow, price }: Section): void {
  within(`${argument}.seatCount`, seatCount, 1, MAX_SEATS);
  within(`${argument}.seatsPerRow`, seatsPerRow, 1, 1_000);
  within(`${argument}.price`, price, 0, MAX_PRICE);
}

/** Inserts the seats of a show, which is locked or new. */
export async function insertSeats(em: EntityManager, showId: string, seats: Iterable<LaidOutSeat>): Promise<void> {
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
  for (const seat of seats) {
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
