import type { FilterQuery } from '@mikro-orm/core';
import { Field, ID, InputType } from 'type-graphql';
import { type Connection, numberKey, type PageArgs, pageOf, readNewestFirst } from '../api/connection.ts';
import type { Context } from '../api/context.ts';
import { idOf, textOf } from '../api/input.ts';
import { badInput } from '../api/problems.ts';
import { DateTime } from '../api/scalars.ts';
import { OperatorLogEntry, OperatorLogTotals } from './operator-log.ts';

@InputType({ description: 'Selects rows that meet all conditions that are given' })
export class OperatorLogFilter {
  @Field(() => ID, { nullable: true, description: 'Id of the user who did it' })
  operatorId?: string | null;

  @Field(() => String, { nullable: true, description: 'Name of the mutation, such as updateQueue' })
  mutation?: string | null;

  @Field(() => ID, {
    nullable: true,
    description: 'Id of a thing that was changed or made, or of what that belongs to',
  })
  subjectId?: string | null;

  @Field(() => DateTime, { nullable: true, description: 'Done at this instant or later' })
  from?: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'Done before this instant' })
  to?: Date | null;
}

const MAX_MUTATION_CHARACTERS = 100;

/** A page of the operators' log, with the condition that it was read by. */
export interface OperatorLogPage extends Connection<OperatorLogEntry> {
  readonly where: FilterQuery<OperatorLogEntry> & object;
}

/**
 * Reads a page of the operators' log, newest first.
 * @throws CallerError BAD_USER_INPUT for a filter's text that is no id, for `to` before `from`, and for a page that `pageOf` refuses
 */
export async function readOperatorLog(
  { em }: Context,
  args: PageArgs,
  filter: OperatorLogFilter,
): Promise<OperatorLogPage> {
  const page = pageOf('operatorLog', args, numberKey);
  const where = conditionOf(filter);
  return { ...(await readNewestFirst(em, OperatorLogEntry, where, page, 'id')), where };
}

/** Counts the rows of all pages. */
export async function readOperatorLogTotals({ em }: Context, { where }: OperatorLogPage): Promise<OperatorLogTotals> {
  return Object.assign(new OperatorLogTotals(), { count: await em.count(OperatorLogEntry, where) });
}

function conditionOf({
  operatorId,
  mutation,
  subjectId,
  from,
  to,
}: OperatorLogFilter): FilterQuery<OperatorLogEntry> & object {
  if (from && to && to < from) throw badInput('filter.to', 'must not be before from');
  return {
    ...(typeof operatorId === 'string' && { operatorId: idOf('filter.operatorId', operatorId) }),
    ...(typeof mutation === 'string' && { mutation: textOf('filter.mutation', mutation, 1, MAX_MUTATION_CHARACTERS) }),
    ...(typeof subjectId === 'string' && { subjectIds: { $contains: [idOf('filter.subjectId', subjectId)] } }),
    ...((from || to) && { at: { ...(from && { $gte: from }), ...(to && { $lt: to }) } }),
  };
}
