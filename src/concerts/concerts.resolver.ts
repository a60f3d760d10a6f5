import {
  Arg,
  Args,
  Ctx,
  Directive,
  Extensions,
  FieldResolver,
  ID,
  Mutation,
  Query,
  Resolver,
  Root,
  Subscription,
} from 'type-graphql';
import { isOperator } from '../accounts/is-operator.ts';
import { Cacheable } from '../api/cacheable.ts';
import { type Connection, idKey, PageArgs, pageOf, readNewestFirst } from '../api/connection.ts';
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
import { readAvailableSeats, readSeatMap, readSeatStates, SeatRange } from './read-seats.ts';
import { Seat, SeatStates } from './seat.ts';
import { SEAT_CHANGES, SeatChange } from './seat-change.ts';
import { Show } from './show.ts';
import { UpdateConcertInput, UpdateConcertResult, updateConcert } from './update-concert.ts';
import { UpdateShowInput, UpdateShowResult, updateShow } from './update-show.ts';
import { WithdrawConcertInput, WithdrawConcertResult, withdrawConcert } from './withdraw-concert.ts';

/** The condition of the concerts that are shown: to operators also those that were withdrawn. */
async function shownTo(context: Context): Promise<{ withdrawnAt?: null }> {
  return (await isOperator(context)) ? {} : { withdrawnAt: null };
}

@Resolver(() => Concert)
export class ConcertsResolver {
  @Cacheable()
  @FieldResolver(() => Queue, {
    nullable: true,
    description: 'The waiting room in front of the concert; null for none',
  })
  queue(@Root() concert: Concert, @Ctx() context: Context): Promise<Queue | null> | null {
    return concert.queueId === null ? null : load(context, queuesById, concert.queueId);
  }

  @Cacheable()
  @FieldResolver(() => [Show], { description: 'All dates of the concert, soonest first' })
  shows(@Root() concert: Concert, @Ctx() context: Context): Promise<Show[]> {
    return load(context, showsOfConcerts, concert.id);
  }

  @Directive('@operator')
  @FieldResolver(() => DateTime, {
    nullable: true,
    description: 'When an operator withdrew it; null while everybody sees it',
  })
  withdrawnAt(@Root() concert: Concert): Date | null {
    return concert.withdrawnAt;
  }

  @Extensions(PUBLIC)
  @Cacheable(10)
  @Query(() => ConcertConnection, {
    description: 'Concerts, newest first. Only operators get those that were withdrawn',
  })
  async concerts(@Args(() => PageArgs) args: PageArgs, @Ctx() context: Context): Promise<Connection<Concert>> {
    const page = pageOf('concert', args, idKey);
    return readNewestFirst(context.em, Concert, await shownTo(context), page, 'id');
  }

  @Extensions(PUBLIC)
  @Cacheable(10)
  @Query(() => Concert, {
    nullable: true,
    description: 'A concert; null for an unknown id. Only operators get a concert that was withdrawn',
  })
  async concert(
    @Arg('id', () => ID, { description: 'Id of the concert' }) id: string,
    @Ctx() context: Context,
  ): Promise<Concert | null> {
    return context.em.findOne(Concert, { id: idOf('id', id), ...(await shownTo(context)) });
  }

  @Extensions(PUBLIC)
  @Cacheable(10)
  @Query(() => Concert, {
    nullable: true,
    description: 'The concert that a URL names; null where none does',
  })
  async concertBySlug(
    @Arg('slug', () => String, { description: '`Concert.slug`; its letters may be composed in any way' })
    text: string,
    @Ctx() context: Context,
  ): Promise<Concert | null> {
    const slug = textOf('slug', text.normalize('NFKC'), 0, MAX_SLUG);
    return context.em.findOne(Concert, { slug, ...(await shownTo(context)) });
  }

  @Directive('@queued')
  @Query(() => [Show], {
    nullable: true,
    description: `Shows of a concert that are on sale now and have a free seat, soonest first; an empty list where there is none. Null
only together with an error, such as \`NOT_FOUND\` for an unknown concert`,
  })
  availableDates(
    @Arg('concertId', () => ID, { description: 'Id of the concert' }) concertId: string,
    @Ctx() context: Context,
  ): Promise<Show[]> {
    return availableDates(context, idOf('concertId', concertId));
  }

  @Directive('@queued')
  @Query(() => [Seat], {
    nullable: true,
    description: `Seats of the shows of a concert on one date that can be reserved now, by the start of the show, then by number; an
empty list where there is none. Null only together with an error: \`NOT_FOUND\` for an unknown concert, \`BAD_USER_INPUT\` where
there are more than 5,000 and \`first\` is left out`,
  })
  availableSeats(
    @Arg('concertId', () => ID, { description: 'Id of the concert' }) concertId: string,
    @Arg('date', () => LocalDate, { description: 'Calendar date in `Settings.timeZone`' }) date: string,
    @Args(() => SeatRange) range: SeatRange,
    @Ctx() context: Context,
  ): Promise<Seat[]> {
    return readAvailableSeats(context, idOf('concertId', concertId), date, range);
  }

  @Directive('@queued')
  @Query(() => [Seat], {
    nullable: true,
    description: `Seats of a show with their status, by number. Null only together with an error: \`NOT_FOUND\` for an unknown show,
\`BAD_USER_INPUT\` where there are more than 5,000 and \`first\` is left out. \`seatStates\` tells the status of a whole hall`,
  })
  seatMap(
    @Arg('showId', () => ID, { description: 'Id of the show' }) showId: string,
    @Args(() => SeatRange) range: SeatRange,
    @Ctx() context: Context,
  ): Promise<Seat[]> {
    return readSeatMap(context, showId, range);
  }

  @Directive('@queued')
  @Query(() => SeatStates, { description: 'The status of every seat of one show, however many, in one short answer' })
  seatStates(
    @Arg('showId', () => ID, { description: 'Id of the show' }) showId: string,
    @Ctx() context: Context,
  ): Promise<SeatStates> {
    return readSeatStates(context, showId);
  }

  @Directive('@operator')
  @Mutation(() => Concert, {
    description: `Makes a concert without shows. Answers the concert. Errors: \`NOT_FOUND\` for an unknown queue; \`BAD_USER_INPUT\` for
texts out of their bounds and a slug that another concert has`,
  })
  createConcert(
    @Arg('input', () => CreateConcertInput, { description: 'Texts of the concert, and the queue in front of it' })
    input: CreateConcertInput,
    @Ctx() context: Context,
  ): Promise<Concert> {
    return createConcert(context, input);
  }

  @Directive('@operator')
  @Mutation(() => UpdateConcertResult, {
    description: `Changes the texts of a concert that are given. Answers the concert. Refused: \`WITHDRAWN\`. Errors: \`NOT_FOUND\` for an
unknown concert; \`BAD_USER_INPUT\` for texts out of their bounds, a slug that another concert has, and null but in
\`imageUrl\``,
  })
  updateConcert(
    @Arg('input', () => UpdateConcertInput, { description: 'What to change' }) input: UpdateConcertInput,
    @Ctx() context: Context,
  ) {
    return updateConcert(context, input);
  }

  @Extensions(SLOW)
  @Directive('@operator')
  @Mutation(() => Show, {
    description: `Makes a show with all its seats, or nothing. Answers the show. Errors: \`NOT_FOUND\` for an unknown concert;
\`BAD_USER_INPUT\` for input out of its bounds, a concert that was withdrawn, a start that is not in the future, and
unless the sale opens before it closes`,
  })
  createShow(
    @Arg('input', () => CreateShowInput, { description: 'The date, its sale and its seats' }) input: CreateShowInput,
    @Ctx() context: Context,
  ): Promise<Show> {
    return createShow(context, input);
  }

  @Extensions(SLOW)
  @Directive('@operator')
  @Mutation(() => WithdrawConcertResult, {
    description: `Hides a concert and its shows from everybody but operators, for good, and ends their holds. Answers the concert; one
that was withdrawn before as it is. Refused: \`SEATS_SOLD\`. Errors: \`NOT_FOUND\` for an unknown concert;
\`SERVICE_UNAVAILABLE\` when purchases under way do not end within 2 seconds`,
  })
  withdrawConcert(
    @Arg('input', () => WithdrawConcertInput, { description: 'The concert' }) input: WithdrawConcertInput,
    @Ctx() context: Context,
  ) {
    return withdrawConcert(context, input);
  }

  @Extensions(SLOW)
  @Directive('@operator')
  @Mutation(() => UpdateShowResult, {
    description: `Changes what is given of a show, all or nothing; who reserves or pays at that moment sees it as it was or as it is.
Answers the show. Refused: \`SHOW_BEGUN\`, \`NO_SEAT_AVAILABLE\`, \`WITHDRAWN\`, \`SHOW_CANCELLED\`. Errors: \`NOT_FOUND\` for
an unknown show; \`BAD_USER_INPUT\` for input out of its bounds, an unknown section, a new section that there is
already, a start that is not in the future, and unless the sale opens before it closes; \`SERVICE_UNAVAILABLE\` when
purchases under way do not end within 2 seconds`,
  })
  updateShow(
    @Arg('input', () => UpdateShowInput, { description: 'What to change' }) input: UpdateShowInput,
    @Ctx() context: Context,
  ) {
    return updateShow(context, input);
  }

  @Directive('@queued')
  @Subscription(() => SeatChange, {
    description:
      'Seats of a show as they are held, released, sold and priced anew: changes only, so read `seatMap` or `seatStates` first. Ends when the token is no longer ACTIVE. Error: `NOT_FOUND` for an unknown show',
    topics: SEAT_CHANGES.name,
    topicId: ({ args, context }): Subject => ({
      platform: (context as Context).platform,
      id: idOf('showId', args.showId as string),
    }),
  })
  seatChanges(
    @Arg('showId', () => ID, { description: 'Id of the show' }) _showId: string,
    @Root() change: SeatChange,
  ): SeatChange {
    return change;
  }
}
