import {
  Arg,
  Args,
  Ctx,
  Directive,
  FieldResolver,
  ID,
  Int,
  Mutation,
  Query,
  Resolver,
  Root,
  Subscription,
} from 'type-graphql';
import { PageArgs } from '../api/connection.ts';
import type { Context } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import type { Subject } from '../platform/topics.ts';
import { ExportSalesInput, exportSales } from './export-sales.ts';
import { readSales, type Sales, SalesConnection, SalesSort, SalesTotals, totalSales } from './read-sales.ts';
import { ExportLink } from './sales-export.ts';
import { SalesFilter } from './sales-filter.ts';
import { readSalesHistory, SalesHistoryPoint } from './sales-history.ts';
import { SHOW_STATS, ShowStats } from './show-stats.ts';

@Resolver(() => SalesConnection)
export class SalesResolver {
  @FieldResolver(() => SalesTotals, { description: 'Sums over all pages; counted only when they are selected' })
  totals(@Root() sales: Sales, @Ctx() context: Context): Promise<SalesTotals> {
    return totalSales(context, sales.filter);
  }

  @Directive('@operator')
  @Query(() => SalesConnection, { description: 'Payments of everybody, FAILED ones included, with what was paid for' })
  sales(
    @Arg('filter', () => SalesFilter, { nullable: true, description: 'Left out: all' }) filter: SalesFilter | undefined,
    @Arg('sort', () => SalesSort, { defaultValue: 'NEWEST', description: 'Order of the sales' }) sort: SalesSort,
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() context: Context,
  ): Promise<Sales> {
    return readSales(context, filter, sort, args);
  }

  @Directive('@operator')
  @Query(() => [SalesHistoryPoint], {
    description:
      'What happened to a show in the last `minutes` (1 .. 43,200), oldest first; at most 720 points, which are as many minutes wide as that takes',
  })
  salesHistory(
    @Arg('showId', () => ID, { description: 'Id of the show' }) showId: string,
    @Arg('minutes', () => Int, { defaultValue: 60, description: 'How far back, 1 .. 43,200' }) minutes: number,
    @Ctx() context: Context,
  ): Promise<SalesHistoryPoint[]> {
    return readSalesHistory(context, showId, minutes);
  }

  @Directive('@operator')
  @Mutation(() => ExportLink, {
    description:
      'Makes a link to the sales that a filter selects, as CSV, oldest first. Answers the link. Error: `BAD_USER_INPUT` for a filter out of its bounds',
  })
  exportSales(
    @Arg('input', () => ExportSalesInput, { description: 'Which sales' }) input: ExportSalesInput,
    @Ctx() context: Context,
  ): Promise<ExportLink> {
    return exportSales(context, input);
  }

  @Directive('@operator')
  @Subscription(() => ShowStats, {
    description: 'Counts of the sale of a show: now, then at most once a second',
    topics: SHOW_STATS.name,
    topicId: ({ args, context }): Subject => ({
      platform: (context as Context).platform,
      id: idOf('showId', args.showId as string),
    }),
  })
  showStats(
    @Arg('showId', () => ID, { description: 'Id of the show' }) _showId: string,
    @Root() stats: ShowStats,
  ): ShowStats {
    return stats;
  }
}
