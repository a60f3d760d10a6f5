import { Arg, Ctx, Extensions, FieldResolver, ID, Int, Query, Resolver, Root } from 'type-graphql';
import { isOperator } from '../accounts/is-operator.ts';
import { Cacheable } from '../api/cacheable.ts';
import { type Context, load, PUBLIC } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { LocalDate } from '../api/scalars.ts';
import { availableCounts } from './available-count.ts';
import { Concert } from './concert.ts';
import { concertsById } from './concert-loads.ts';
import { Show } from './show.ts';

@Resolver(() => Show)
export class ShowResolver {
  @Extensions(PUBLIC)
  @Cacheable(10)
  @Query(() => Show, {
    nullable: true,
    description: 'A show; null for an unknown id. Only operators get a show of a concert that was withdrawn',
  })
  async show(@Arg('id', () => ID, { description: 'Id of the show' }) id: string, @Ctx() context: Context) {
    const show = await context.em.findOne(Show, { id: idOf('id', id) });
    if (!show) return null;
    const { withdrawnAt } = await load(context, concertsById, show.concertId);
    return withdrawnAt !== null && !(await isOperator(context)) ? null : show;
  }

  @Cacheable()
  @FieldResolver(() => Concert, { description: 'The concert that is given' })
  concert(@Root() show: Show, @Ctx() context: Context): Promise<Concert> {
    return load(context, concertsById, show.concertId);
  }

  @Cacheable()
  @FieldResolver(() => LocalDate, {
    description: 'Calendar date of `startsAt` in `Settings.timeZone`',
  })
  date(@Root() show: Show, @Ctx() context: Context): string {
    return calendarDate(show.startsAt, context.platform.config.TIME_ZONE);
  }

  @FieldResolver(() => Int, {
    description: 'Seats that can be reserved, at most one second old; 0 for a cancelled show',
  })
  availableCount(@Root() show: Show, @Ctx() context: Context): Promise<number> {
    return load(context, availableCounts, show.id);
  }
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** The calendar date of an instant, YYYY-MM-DD. @param timeZone IANA name */
function calendarDate(at: Date, timeZone: string): string {
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
    formats.set(timeZone, format);
  }
  return format.format(at);
}
