import { Field, ID, InputType } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { idOf, textOf } from '../api/input.ts';
import { notFound } from '../api/problems.ts';
import { breaksConstraint } from '../platform/faults.ts';
import { newId } from '../platform/ids.ts';
import { sqlRow } from '../platform/postgres.ts';
import { Concert } from './concert.ts';

@InputType()
export class CreateConcertInput {
  @Field(() => String)
  title!: string;

  @Field(() => String, { defaultValue: '' })
  description!: string;

  @Field(() => ID, { nullable: true })
  queueId?: string | null;
}

/** @throws CallerError BAD_USER_INPUT; NOT_FOUND for an unknown queue */
export async function createConcert(context: Context, input: CreateConcertInput): Promise<Concert> {
  textOf('title', input.title, 1, 200);
  textOf('description', input.description, 0, 10_000);
  const queueId = typeof input.queueId === 'string' ? idOf('queueId', input.queueId) : null;
  try {
    const row = await sqlRow<object>(
      context.em,
      'insert into concert (id, title, description, queue_id) values ($1, $2, $3, $4) returning *',
      [newId(), input.title, input.description, queueId],
    );
    return context.em.map(Concert, row);
  } catch (error) {
    if (breaksConstraint(error, 'concert_queue_id_fkey')) throw notFound('queue');
    throw error;
  }
}
