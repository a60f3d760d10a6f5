import type { EntityManager } from '@mikro-orm/core';
import { createUnionType, Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { type Given, givenOf, idOf, textOf, within } from '../api/input.ts';
import { badInput, notFound, Problem, Refusal, refuse, sentenceOf, Withdrawn, withdrawn } from '../api/problems.ts';
import { DateTime, Money } from '../api/scalars.ts';
import { concertLock, lockNames, MAX_ALONE_WAIT_MS, showLock } from '../commands/lock-order.ts';
import { bothOf, type Deed, deedOf, logDeed } from '../commands/operator-log.ts';
import { writeOutbox } from '../commands/outbox.ts';
import { copyOf, runAlone } from '../commands/runner.ts';
import { readClock, sql } from '../platform/postgres.ts';
import { Concert } from './concert.ts';
import {
  checkSections,
  checkShow,
  insertSeats,
  MAX_PRICE,
  MAX_SECTIONS,
  SEATS_PER_STATEMENT,
  SectionInput,
} from './create-show.ts';
import { layOut, MAX_SEATS, type Section } from './lay-out.ts';
import { type Seat, toSeats } from './seat.ts';
import { MAX_UNREAD, publishResync, publishSeats } from './seat-change.ts';
import { Show } from './show.ts';

@InputType({ description: 'A new price of the seats of one section that are AVAILABLE' })
export class SectionPriceInput {
  @Field(() => String, { description: 'Name of the section; empty for the seats of a show made without sections' })
  section!: string;

  @Field(() => Money, { description: '0 .. 1,000,000,000, for each seat' })
  price!: number;
}

@InputType({ description: 'Changes of a show. What is left out stays as it is; holds and tickets keep their prices' })
export class UpdateShowInput {
  @Field(() => ID, { description: 'Id of the show' })
  id!: string;

  @Field(() => String, { nullable: true, description: 'What is special about this date: at most 200 characters' })
  subtitle?: string | null;

  @Field(() => String, { nullable: true, description: 'Where it takes place: 1 .. 200 characters' })
  venue?: string | null;

  @Field(() => DateTime, { nullable: true, description: 'When it begins, in the future; until then buyers may cancel' })
  startsAt?: Date | null;

  @Field(() => Int, { nullable: true, description: 'How long it lasts, in minutes: 1 .. 10,000' })
  durationMinutes?: number | null;

  @Field(() => DateTime, { nullable: true, description: 'Before salesCloseAt' })
  salesOpenAt?: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'After salesOpenAt' })
  salesCloseAt?: Date | null;

  @Field(() => [SectionPriceInput], {
    nullable: true,
    description:
      'New prices of sections, for their seats that are AVAILABLE. `NO_SEAT_AVAILABLE` for sections without such a seat',
  })
  prices?: SectionPriceInput[] | null;

  @Field(() => [SectionInput], {
    nullable: true,
    description: 'New sections, whose seats are numbered behind those that there are: at most 100,000 seats in all',
  })
  addSections?: SectionInput[] | null;
}

@ObjectType({ implements: Problem, description: '`SHOW_BEGUN`: a show that has begun is not changed any more' })
export class ShowBegun extends Problem {
  @Field(() => DateTime, { description: 'When it began' })
  startsAt!: Date;
}

@ObjectType({
  implements: Problem,
  description:
    '`NO_SEAT_AVAILABLE`: a price was to change for sections of which every seat is held or sold; nothing was changed',
})
export class NoSeatAvailable extends Problem {
  @Field(() => [String], { description: 'The sections that have no AVAILABLE seat' })
  sections!: string[];
}

export const UpdateShowResult = createUnionType({
  name: 'UpdateShowResult',
  description: 'The show as it is now, ShowBegun, NoSeatAvailable, Withdrawn, or a Refusal `SHOW_CANCELLED`',
  types: () => [Show, ShowBegun, NoSeatAvailable, Withdrawn, Refusal] as const,
});

type Answer = Show | ShowBegun | NoSeatAvailable | Withdrawn | Refusal;

type Changes = Omit<Given<UpdateShowInput>, 'id'>;

/** What has changed, for those who watch the seats. */
interface Mended {
  readonly answer: Answer;
  /** Seats with a new price; undefined where there are too many to be told, or some are new. */
  readonly seats: readonly Seat[] | undefined;
}

/**
 * Changes a show in one transaction that has the show's lock alone, so that who reserves or pays sees it as it was or as
 * it is. A price applies to the seats of its section that are AVAILABLE; reservations keep theirs.
 * @returns the show; ShowBegun; NoSeatAvailable with the sections of which all seats are held or sold; Withdrawn with
 * the concert; a Refusal SHOW_CANCELLED
 * @throws CallerError NOT_FOUND for an unknown show; BAD_USER_INPUT for input outside its bounds, an unknown section, a
 * new section that there is already, more than 100,000 seats in all, a start that is not in the future, and unless the
 * sale opens before it closes; SERVICE_UNAVAILABLE when purchases under way do not end within two seconds
 */
export async function updateShow(context: Context, input: UpdateShowInput): Promise<Answer> {
  const { id: text, ...changes } = givenOf(input);
  const id = idOf('input.id', text as string);
  checkShow(changes);
  checkPrices(changes.prices ?? []);
  if (changes.addSections) checkSections('input.addSections', changes.addSections);
  const { platform } = context;
  const { answer, seats } = await runAlone(platform, (em) => mend(em, context, id, changes));
  if (seats) publishSeats(platform, seats);
  else publishResync(platform, id);
  return answer;
}

function checkPrices(prices: readonly SectionPriceInput[]): void {
  if (prices.length > MAX_SECTIONS) throw badInput('input.prices', `must be at most ${MAX_SECTIONS}`);
  for (const [index, { section, price }] of prices.entries()) {
    textOf(`input.prices[${index}].section`, section, 0, 100);
    within(`input.prices[${index}].price`, price, 0, MAX_PRICE);
  }
  const names = new Set(prices.map(({ section }) => section));
  if (names.size < prices.length) throw badInput('input.prices', 'must name each section once');
}

async function mend(em: EntityManager, context: Context, id: string, changes: Changes): Promise<Mended> {
  const { prices = [], addSections = [], ...fields } = changes;
  const known = await em.findOne(Show, { id });
  if (!known) throw notFound('show');
  // Whoever cancels another show of the concert, and may close its queue, waits for the new times of this one.
  await lockNames(em, [{ shared: [concertLock(known.concertId)] }], MAX_ALONE_WAIT_MS);
  await lockNames(em, [{ exclusive: [showLock(id)] }], MAX_ALONE_WAIT_MS);
  const show = await em.findOneOrFail(Show, { id }, { refresh: true });
  const now = await readClock(em);
  const refusal = await refusalOf(em, show, now);
  if (refusal) return { answer: refusal, seats: [] };
  checkTimes({ ...show, ...fields }, fields, now);
  const sections = prices.length + addSections.length > 0 ? await readSections(em, id) : [];
  checkNames(sections, changes);
  const full = prices.filter(({ section }) => !sections.find(({ name }) => name === section)?.available);
  if (full.length > 0) {
    const names = full.map(({ section }) => section);
    const refused = Object.assign(new NoSeatAvailable(), sentenceOf('NO_SEAT_AVAILABLE'), { sections: names });
    return { answer: refused, seats: [] };
  }
  const was = copyOf(show);
  Object.assign(show, fields);
  const repriced = await setPrices(em, show, prices);
  await addSeats(em, show, sections, addSections);
  await em.flush();
  await logDeed(em, context, bothOf(deedOf([{ before: was, after: show }]), repriced.deed));
  await tell(em, context, was, show);
  return { answer: show, seats: addSections.length > 0 ? undefined : repriced.seats };
}

async function refusalOf(em: EntityManager, show: Show, now: Date): Promise<Answer | undefined> {
  const concert = await em.findOneOrFail(Concert, { id: show.concertId });
  if (concert.withdrawnAt !== null) return withdrawn([concert.id]);
  if (show.cancelledAt !== null) return refuse('SHOW_CANCELLED');
  if (show.startsAt > now) return undefined;
  return Object.assign(new ShowBegun(), sentenceOf('SHOW_BEGUN'), { startsAt: show.startsAt });
}

function checkTimes(times: Pick<Show, 'startsAt' | 'salesOpenAt' | 'salesCloseAt'>, given: Changes, now: Date): void {
  if (times.startsAt <= now) throw badInput('input.startsAt', 'must lie in the future');
  if (times.salesOpenAt < times.salesCloseAt) return;
  const argument = given.salesCloseAt ? 'input.salesCloseAt' : 'input.salesOpenAt';
  throw badInput(argument, 'must leave salesOpenAt before salesCloseAt');
}

/** A section of a show as it is. */
interface SectionNow {
  readonly name: string;
  readonly seats: number;
  readonly available: number;
  /** Its highest number, and that of its rows. */
  readonly number: number;
  readonly row: number;
}

/** SQL for whether a seat `s` is neither sold nor held. */
const IS_AVAILABLE = `(not exists (select from ticket t where t.seat_id = s.id)
  and not exists (select from hold h where h.seat_id = s.id and h.expires_at > clock_timestamp()))`;

/** Reads the sections of the show. */
function readSections(em: EntityManager, showId: string): Promise<SectionNow[]> {
  return sql<SectionNow>(
    em,
    `select s.section as name, count(*)::int as seats, (count(*) filter (where ${IS_AVAILABLE}))::int as available,
       max(s.number) as number, max(s.row_index) as row
     from seat s where s.show_id = $1 group by s.section`,
    [showId],
  );
}

function checkNames(sections: readonly SectionNow[], { prices = [], addSections = [] }: Changes): void {
  const names = new Set(sections.map(({ name }) => name));
  for (const [index, { section }] of prices.entries()) {
    if (!names.has(section)) throw badInput(`input.prices[${index}].section`, 'is no section of this show');
  }
  for (const [index, { name }] of addSections.entries()) {
    if (names.has(name)) throw badInput(`input.addSections[${index}].name`, 'is a section of this show already');
  }
  if (names.size + addSections.length > MAX_SECTIONS) {
    throw badInput('input.addSections', `must leave the show at most ${MAX_SECTIONS} sections; it has ${names.size}`);
  }
  const seats = sections.reduce((sum, section) => sum + section.seats, 0);
  const more = addSections.reduce((sum, section) => sum + section.seatCount, 0);
  if (more > 0 && seats + more > MAX_SEATS) {
    throw badInput('input.addSections', `must leave the show at most ${MAX_SEATS} seats; it has ${seats}`);
  }
}

/** A seat with its new price, and the price that it had. */
type Repriced = Seat & { readonly was: number };

/** The seats that got another price: by section and the price that they had how many, and, if they are few, each. */
interface Repricing {
  readonly deed: Deed;
  /** Undefined for more than subscribers are told. */
  readonly seats: readonly Seat[] | undefined;
}

/**
 * Sets the prices of AVAILABLE seats. Nobody holds or buys one meanwhile, who shares the show's lock; who gives seats
 * back or sweeps holds does not, so that the rows are locked, by id as every command does.
 */
async function setPrices(em: EntityManager, show: Show, prices: readonly SectionPriceInput[]): Promise<Repricing> {
  const seats: Seat[] = [];
  const counts = new Map<string, number>();
  for (let from = 1; prices.length > 0 && from <= show.seatCount; from += SEATS_PER_STATEMENT) {
    for (const { was, ...seat } of await setSomePrices(em, show.id, prices, from)) {
      const key = JSON.stringify([seat.section, was, seat.price]);
      counts.set(key, (counts.get(key) ?? 0) + 1);
      if (seats.length <= MAX_UNREAD) seats.push(...toSeats([seat]));
    }
  }
  const nameless = prices.find(({ section }) => section === '');
  if (nameless) show.price = nameless.price;
  const sections = [...counts].map(([key, count]) => {
    const [name, was, price] = JSON.parse(key) as [string, number, number];
    const section = { type: 'Section', showId: show.id, name, seats: count };
    return { before: { ...section, price: was }, after: { ...section, price } };
  });
  const deed = {
    subjectIds: [],
    before: sections.map(({ before }) => before),
    after: sections.map(({ after }) => after),
  };
  return { deed, seats: seats.length > MAX_UNREAD ? undefined : seats };
}

/** Sets the prices of seats with numbers from `from` on, as many as one statement changes. */
function setSomePrices(
  em: EntityManager,
  showId: string,
  prices: readonly SectionPriceInput[],
  from: number,
): Promise<Repriced[]> {
  return sql<Repriced>(
    em,
    `with locked as materialized (
       select s.id, s.price as was, u.price
       from seat s join unnest($2::text[], $3::bigint[]) as u (section, price) on s.section = u.section
       where s.show_id = $1 and s.number >= $4 and s.number < $5 and s.price <> u.price and ${IS_AVAILABLE}
       order by s.id for update
     )
     update seat s set price = l.price, revision = s.revision + 1 from locked l where s.id = l.id
     returning s.id, s.show_id as "showId", s.number, s.label, s.section, s.price::float8 as price,
       'AVAILABLE' as status, s.revision + (select count(*) from hold h where h.seat_id = s.id)::int as revision,
       l.was::float8 as was`,
    [showId, prices.map(({ section }) => section), prices.map(({ price }) => price), from, from + SEATS_PER_STATEMENT],
  );
}

/** Adds the seats of new sections behind those that there are. */
async function addSeats(
  em: EntityManager,
  show: Show,
  sections: readonly SectionNow[],
  added: readonly Section[],
): Promise<void> {
  if (added.length === 0) return;
  const number = Math.max(...sections.map((section) => section.number));
  const rows = Math.max(...sections.map(({ row }) => row)) + 1;
  await insertSeats(em, show.id, layOut(added, { number, rows }));
  show.seatCount += added.reduce((sum, { seatCount }) => sum + seatCount, 0);
  // A show that was sold out is not any more.
  await sql(em, 'update show set has_new_sales = true where id = $1', [show.id]);
}

/** Emits that the place or the time has changed. */
async function tell(em: EntityManager, { requestId }: Context, was: Show, show: Show): Promise<void> {
  const { id, concertId, venue, startsAt } = show;
  if (venue === was.venue && startsAt.getTime() === was.startsAt.getTime()) return;
  const before = { venue: was.venue, startsAt: was.startsAt.toISOString() };
  const data = { showId: id, concertId, venue, startsAt: startsAt.toISOString(), before };
  await writeOutbox(em, [{ event: { type: 'show.changed.v1', aggregate: id, data }, requestId }]);
}
