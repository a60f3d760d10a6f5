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
import { isOperator } from '../accounts/is-operator.ts';
import { type Connection, idKey, pageOf, toConnection } from '../api/connection.ts';
import { type Context, load, PUBLIC, SLOW } from '../api/context.ts';
import { idOf, textOf } from '../api/input.ts';
import { DateTime, LocalDate } from '../api/scalars.ts';
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
import { UpdateConcertInput, UpdateConcertResult, updateConcert } from './update-concert.ts';
import { UpdateShowInput, UpdateShowResult, updateShow } from './update-show.ts';
import { WithdrawConcertInput, WithdrawConcertResult, withdrawConcert } from './withdraw-concert.ts';

const NAME = 'concert';

/** The condition of the concerts that are shown: to operators also those that were withdrawn. */
async function shownTo(context: Context): Promise<{ withdrawnAt?: null }> {
  return (await isOperator(context)) ? {} : { withdrawnAt: null };
}

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

  @Directive('@operator')
  @FieldResolver(() => DateTime, { nullable: true, description: 'When it was withdrawn; null: everybody sees it' })
  withdrawnAt(@Root() concert: Concert): Date | null {
    return concert.withdrawnAt;
  }

  @Extensions(PUBLIC)
  @Query(() => ConcertConnection)
  async concerts(
    @Arg('first', () => Int, { defaultValue: 20 }) first: number,
    @Arg('after', () => String, { nullable: true }) after: string | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<Concert>> {
    const page = pageOf(NAME, first, after, idKey);
    const where = { ...(page.after && { id: { $lt: page.after } }), ...(await shownTo(context)) };
    const rows = await context.em.find(Concert, where, { orderBy: { id: 'desc' }, limit: first + 1 });
    return toConnection(NAME, rows, first, ({ id }) => id);
  }

  @Extensions(PUBLIC)
  @Query(() => Concert, { nullable: true })
  async concert(@Arg('id', () => ID) id: string, @Ctx() context: Context): Promise<Concert | null> {
    return context.em.findOne(Concert, { id: idOf('id', id), ...(await shownTo(context)) });
  }

  @Extensions(PUBLIC)
  @Query(() => Concert, { nullable: true, description: 'The concert that a URL names' })
  async concertBySlug(
    @Arg('slug', () => String, { description: 'As the concert has it; letters may be composed in any way' })
    text: string,
    @Ctx() context: Context,
  ): Promise<Concert | null> {
    const slug = textOf('slug', text.normalize('NFKC'), 0, MAX_SLUG);
    return context.em.findOne(Concert, { slug, ...(await shownTo(context)) });
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
  @Mutation(() => UpdateConcertResult, { description: 'Changes the texts of a concert that are given' })
  updateConcert(
    @Arg('input', () => UpdateConcertInput, { description: 'What to change' }) input: UpdateConcertInput,
    @Ctx() context: Context,
  ) {
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
  @Mutation(() => WithdrawConcertResult, {
    description: 'Hides the concert and its shows from everybody but operators, and ends their holds. Again: as it is',
  })
  withdrawConcert(
    @Arg('input', () => WithdrawConcertInput, { description: 'Which concert' }) input: WithdrawConcertInput,
    @Ctx() context: Context,
  ) {
    return withdrawConcert(context, input);
  }

  @Extensions(SLOW)
  @Directive('@operator')
  @Mutation(() => UpdateShowResult, {
    description: 'Changes of a show what is given; who reserves or pays at that moment sees it as it was or as it is',
  })
  updateShow(
    @Arg('input', () => UpdateShowInput, { description: 'What to change' }) input: UpdateShowInput,
    @Ctx() context: Context,
  ) {
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
