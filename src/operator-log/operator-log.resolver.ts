import { Arg, Args, Ctx, Directive, FieldResolver, Query, Resolver, Root } from 'type-graphql';
import { PageArgs } from '../api/connection.ts';
import type { Context } from '../api/context.ts';
import { OperatorLogConnection, OperatorLogTotals } from './operator-log.ts';
import {
  OperatorLogFilter,
  type OperatorLogPage,
  readOperatorLog,
  readOperatorLogTotals,
} from './read-operator-log.ts';

@Resolver(() => OperatorLogConnection)
export class OperatorLogResolver {
  @Directive('@operator')
  @Query(() => OperatorLogConnection, {
    description: 'What operators did, newest first: a row for each mutation of theirs that was not refused',
  })
  operatorLog(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('filter', () => OperatorLogFilter, { nullable: true, description: 'All rows if left out' })
    filter: OperatorLogFilter | null,
    @Ctx() context: Context,
  ): Promise<OperatorLogPage> {
    return readOperatorLog(context, args, filter ?? {});
  }

  @FieldResolver(() => OperatorLogTotals, { description: 'Sums over all pages; counted only when they are selected' })
  totals(@Root() page: OperatorLogPage, @Ctx() context: Context): Promise<OperatorLogTotals> {
    return readOperatorLogTotals(context, page);
  }
}
