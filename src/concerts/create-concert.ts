import { Field, ID, InputType } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { idOf, textOf } from '../api/input.ts';
import { notFound } from '../api/problems.ts';
import { run, type Verb } from '../commands/runner.ts';
import { newId } from '../platform/ids.ts';
import { forkOf } from '../platform/platform.ts';
import { Queue } from '../queue/queue.ts';
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

interface NewConcert {
  readonly title: string;
  readonly description: string;
  readonly queueId: string | null;
}

const CREATE_CONCERT: Verb<NewConcert, Concert> = {
  name: 'createConcert',
  contends: () => [],

  async prepare(platform, concerts) {
    const ids = concerts.flatMap(({ queueId }) => queueId ?? []);
    const queues = ids.length > 0 ? await forkOf(platform).find(Queue, { id: { $in: ids } }) : [];
    const known = new Set([null, ...queues.map(({ id }) => id)]);
    return concerts.map(({ queueId }) => (known.has(queueId) ? { known: undefined } : { error: notFound('queue') }));
  },

  locks: () => ({}),

  decide({ asked }, scene) {
    const concert = Object.assign(new Concert(), { ...asked, id: newId(), createdAt: scene.now });
    scene.insert(concert);
    return concert;
  },
};

/**
 * Creates a concert without shows.
 * @returns the concert
 * @throws CallerError BAD_USER_INPUT for a title outside 1..200 characters or a description of more than 10,000;
 * NOT_FOUND for an unknown queue
 */
export async function createConcert(context: Context, input: CreateConcertInput): Promise<Concert> {
  const title = textOf('input.title', input.title, 1, 200);
  const description = textOf('input.description', input.description, 0, 10_000);
  const queueId = typeof input.queueId === 'string' ? idOf('input.queueId', input.queueId) : null;
  return run(context, CREATE_CONCERT, { title, description, queueId });
}
