import {
  Arg,
  Ctx,
  Directive,
  Extensions,
  FieldResolver,
  ID,
  Int,
  Mutation,
  Query,
  Resolver,
  Root,
  Subscription,
} from 'type-graphql';
import { type Connection, idKey, pageOf, toConnection } from '../api/connection.ts';
import { type Context, load, PUBLIC, SLOW } from '../api/context.ts';
import { idOf, textOf } from '../api/input.ts';
import { LocalDate } from '../api/scalars.ts';
import type { Subject } from '../platform/topics.ts';
import { Queue } from '../queue/queue.ts';
import { availableDates } from './available-dates.ts';
import { Concert, ConcertConnection, MAX_SLUG } from './concert.ts';
import { queuesById, showsOfConcerts } from './concert-loads.ts';
import { CreateConcertInput, createConcert } from './create-concert.ts';
import { CreateShowInput, createShow } from './create-show.ts';
import { readAvailableSeats, readSeatMap, readSeatStates } from './read-seats.ts';
import { Seat, SeatStates } from './seat.ts';
import { SEAT_CHANGES, SeatChange } from './seat-change.ts';
import { Show } from './show.ts';
import { UpdateConcertInput, updateConcert } from './update-concert.ts';
import { UpdateShowInput, UpdateShowResult, updateShow } from './update-show.ts';

const NAME = 'concert';

@Resolver(() => Concert)
export class ConcertsResolver {
  @FieldResolver(() => Queue, { nullable: true, description: 'null: no waiting room in front of this concert' })
  queue(@Root() concert: Concert, @Ctx() context: Context): Promise<Queue | null> | null {
    return concert.queueId === null ? null : load(context, queuesById, concert.queueId);
  }

  @FieldResolver(() => [Show], { description: 'Every date, soonest first' })
  shows(@Root() concert: Concert, @Ctx() context: Context): Promise<Show[]> {
    return load(context, showsOfConcerts, concert.id);
  }

  @Extensions(PUBLIC)
  @Query(() => ConcertConnection)
  async concerts(
    @Arg('first', () => Int, { defaultValue: 20 }) first: number,
    @Arg('after', () => String, { nullable: true }) after: string | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<Concert>> {
    const page = pageOf(NAME, first, after, idKey);
    const where = page.after ? { id: { $lt: page.after } } : {};
    const rows = await context.em.find(Concert, where, { orderBy: { id: 'desc' }, limit: first + 1 });
    return toConnection(NAME, rows, first, ({ id }) => id);
  }

  @Extensions(PUBLIC)
  @Query(() => Concert, { nullable: true })
  concert(@Arg('id', () => ID) id: string, @Ctx() context: Context): Promise<Concert | null> {
    return context.em.findOne(Concert, { id: idOf('id', id) });
  }

  @Extensions(PUBLIC)
  @Query(() => Concert, { nullable: true, description: 'The concert that a URL names' })
  concertBySlug(@Arg('slug', () => String) slug: string, @Ctx() context: Context): Promise<Concert | null> {
    return context.em.findOne(Concert, { slug: textOf('slug', slug, 0, MAX_SLUG).normalize('NFKC') });
  }

  @Directive('@queued')
  @Query(() => [Show], {
    description: 'Dates with salesOpenAt <= now < salesCloseAt and a free seat, soonest first',
  })
  availableDates(@Arg('concertId', () => ID) concertId: string, @Ctx() context: Context): Promise<Show[]> {
    return availableDates(context, idOf('concertId', concertId));
  }

  @Directive('@queued')
  @Query(() => [Seat], {
    description: `Seats of the concert's shows on that date that can be reserved now, by the show's start, then number. \`first\`, at most 5,000, is needed where it
would answer more`,
  })
  availableSeats(
    @Arg('concertId', () => ID) concertId: string,
    @Arg('date', () => LocalDate) date: string,
    @Arg('section', () => String, { nullable: true }) section: string | undefined,
    @Arg('afterNumber', () => Int, { nullable: true }) afterNumber: number | undefined,
    @Arg('first', () => Int, { nullable: true }) first: number | undefined,
    @Ctx() context: Context,
  ): Promise<Seat[]> {
    return readAvailableSeats(context, idOf('concertId', concertId), date, { section, afterNumber, first });
  }

  @Directive('@queued')
  @Query(() => [Seat], {
    description: `Seats of one show with their status, by number; at most 5,000 at once. \`first\` is needed where it would answer more; \`seatStates\` tells
a whole hall`,
  })
  seatMap(
    @Arg('showId', () => ID) showId: string,
    @Arg('section', () => String, { nullable: true }) section: string | undefined,
    @Arg('afterNumber', () => Int, { nullable: true }) afterNumber: number | undefined,
    @Arg('first', () => Int, { nullable: true }) first: number | undefined,
    @Ctx() context: Context,
  ): Promise<Seat[]> {
    return readSeatMap(context, showId, { section, afterNumber, first });
  }

  @Directive('@queued')
  @Query(() => SeatStates, { description: 'The status of every seat of one show, however many, in one short answer' })
  seatStates(@Arg('showId', () => ID) showId: string, @Ctx() context: Context): Promise<SeatStates> {
    return readSeatStates(context, showId);
  }

  @Directive('@operator')
  @Mutation(() => Concert)
  createConcert(
    @Arg('input', () => CreateConcertInput) input: CreateConcertInput,
    @Ctx() context: Context,
  ): Promise<Concert> {
    return createConcert(context, input);
  }

  @Directive('@operator')
  @Mutation(() => Concert)
  updateConcert(
    @Arg('input', () => UpdateConcertInput) input: UpdateConcertInput,
    @Ctx() context: Context,
  ): Promise<Concert> {
    return updateConcert(context, input);
  }

  @Extensions(SLOW)
  @Directive('@operator')
  @Mutation(() => Show)
  createShow(@Arg('input', () => CreateShowInput) input: CreateShowInput, @Ctx() context: Context): Promise<Show> {
    return createShow(context, input);
  }

  @Extensions(SLOW)
  @Directive('@operator')
  @Mutation(() => UpdateShowResult)
  updateShow(@Arg('input', () => UpdateShowInput) input: UpdateShowInput, @Ctx() context: Context) {
    return updateShow(context, input);
  }

  @Directive('@queued')
  @Subscription(() => SeatChange, {
    description: 'Seats of a show as they are held, released and sold; ends when the token is no longer ACTIVE',
    topics: SEAT_CHANGES.name,
    topicId: ({ args, context }): Subject => ({
      platform: (context as Context).platform,
      id: idOf('showId', args.showId as string),
    }),
  })
  seatChanges(@Arg('showId', () => ID) _showId: string, @Root() change: SeatChange): SeatChange {
    return change;
  }
}
