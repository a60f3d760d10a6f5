import {
  Arg,
  Ctx,
  createUnionType,
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
import type { Connection } from '../api/connection.ts';
import { type Context, callerOf, load, PUBLIC } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { Refusal } from '../api/problems.ts';
import type { Subject } from '../platform/topics.ts';
import { CreateQueueInput, createQueue } from './create-queue.ts';
import { countEntrants, QueueShuffle, readOrder, readShuffle } from './draw/queue-shuffle.ts';
import { EnterQueueInput, enterQueue } from './enter-queue.ts';
import { IssuePriorityCodesInput, issuePriorityCodes } from './issue-codes.ts';
import { leaveQueue } from './leave-queue.ts';
import { Queue, QueueConnection } from './queue.ts';
import { QueueHistoryPoint, readHistory } from './queue-history.ts';
import { QUEUE_STATS, QueueStats, readStats } from './queue-stats.ts';
import { QueueToken } from './queue-token.ts';
import { liveTokensOfUsers } from './read-live-tokens.ts';
import { readQueues } from './read-queues.ts';
import { readOwnToken, readTokenIfChanged } from './read-token.ts';
import { revokeToken } from './revoke-token.ts';
import { UpdateQueueInput, updateQueue } from './update-queue.ts';
import { watchPosition } from './watch-position.ts';

const EnterQueueResult = createUnionType({ name: 'EnterQueueResult', types: () => [QueueToken, Refusal] as const });

@Resolver(() => Queue)
export class QueueResolver {
  @Directive('@operator')
  @FieldResolver(() => QueueStats, { nullable: true })
  stats(@Root() queue: Queue, @Ctx() context: Context): Promise<QueueStats> {
    return readStats(context, queue.id);
  }

  @Directive('@operator')
  @Query(() => Queue, { nullable: true })
  queue(@Arg('id', () => ID) id: string, @Ctx() context: Context): Promise<Queue | null> {
    return context.em.findOne(Queue, { id: idOf('id', id) });
  }

  @Directive('@operator')
  @Query(() => QueueConnection, { description: 'Every queue, newest first' })
  queues(
    @Arg('first', () => Int, { defaultValue: 20, description: 'Queues in a page, 1 .. 100' }) first: number,
    @Arg('after', () => String, { nullable: true, description: 'endCursor of the page before' })
    after: string | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<Queue>> {
    return readQueues(context, first, after);
  }

  @Query(() => QueueToken, { nullable: true, description: "For clients that poll: the caller's own place" })
  queueToken(@Arg('value', () => ID) value: string, @Ctx() context: Context) {
    return readOwnToken(context, value);
  }

  @Query(() => QueueToken, {
    nullable: true,
    description: `For clients that poll and show little: null while the caller's own place is still of that version. It counts as presence
exactly as queueToken does. A value that is unknown or another user's is NOT_FOUND`,
  })
  queueTokenIfChanged(
    @Arg('value', () => ID) value: string,
    @Arg('version', () => String, { description: 'As the client has it; any other text answers the place' })
    version: string,
    @Ctx() context: Context,
  ) {
    return readTokenIfChanged(context, value, version);
  }

  @Query(() => [QueueToken], {
    description: `The caller's own WAITING and ACTIVE places in all queues, the newest first: for a page that was opened anew or on another device. It
counts as presence in each; a page that polls uses queueToken`,
  })
  queueTokens(@Ctx() context: Context): Promise<QueueToken[]> {
    return load(context, liveTokensOfUsers, callerOf(context).id);
  }

  @Directive('@operator')
  @Query(() => [QueueHistoryPoint], {
    description:
      'The last `minutes` (1 .. 43,200), oldest first, at most 720 rows: of a day or less rows of 5 seconds, thinned evenly; of more wider ones, which sum up',
  })
  queueHistory(
    @Arg('queueId', () => ID) queueId: string,
    @Arg('minutes', () => Int, { defaultValue: 60 }) minutes: number,
    @Ctx() context: Context,
  ): Promise<QueueHistoryPoint[]> {
    return readHistory(context, queueId, minutes);
  }

  @Extensions(PUBLIC)
  @Query(() => QueueShuffle, { nullable: true })
  queueShuffle(@Arg('queueId', () => ID) queueId: string, @Ctx() context: Context): Promise<QueueShuffle | null> {
    return readShuffle(context, queueId);
  }

  @Extensions({ rates: ['places', 'priorityCodes'] })
  @Mutation(() => EnterQueueResult, {
    description: `The same user gets the same live token, however often and from wherever it asks. RATE_LIMITED, with retryAfterMs, while the queue's
entriesPerMinute leaves no room for a new place`,
  })
  enterQueue(@Arg('input', () => EnterQueueInput) input: EnterQueueInput, @Ctx() context: Context) {
    return enterQueue(context, input);
  }

  @Extensions({ rates: ['places'] })
  @Mutation(() => QueueToken)
  leaveQueue(@Arg('token', () => ID) token: string, @Ctx() context: Context): Promise<QueueToken> {
    return leaveQueue(context, token);
  }

  @Directive('@operator')
  @Mutation(() => Queue)
  createQueue(@Arg('input', () => CreateQueueInput) input: CreateQueueInput, @Ctx() context: Context): Promise<Queue> {
    return createQueue(context, input);
  }

  @Directive('@operator')
  @Mutation(() => Queue)
  updateQueue(@Arg('input', () => UpdateQueueInput) input: UpdateQueueInput, @Ctx() context: Context): Promise<Queue> {
    return updateQueue(context, input);
  }

  @Directive('@operator')
  @Mutation(() => [String], { description: 'Single-use codes for enterQueue; shown once, stored hashed' })
  issuePriorityCodes(
    @Arg('input', () => IssuePriorityCodesInput) input: IssuePriorityCodesInput,
    @Ctx() context: Context,
  ): Promise<string[]> {
    return issuePriorityCodes(context, input);
  }

  @Directive('@operator')
  @Mutation(() => QueueToken)
  revokeToken(
    @Arg('queueId', () => ID) queueId: string,
    @Arg('userId', () => ID) userId: string,
    @Ctx() context: Context,
  ): Promise<QueueToken> {
    return revokeToken(context, queueId, userId);
  }

  @Subscription(() => QueueToken, {
    description: "The caller's own place: now, then as it changes; ends after COMPLETED, EXPIRED or LEFT",
    subscribe: ({ args, context }) => watchPosition(context as Context, args.token as string),
  })
  queuePosition(@Arg('token', () => ID) _token: string, @Root() place: QueueToken): QueueToken {
    return place;
  }

  @Directive('@operator')
  @Subscription(() => QueueStats, {
    description: 'Now, then at most once a second',
    topics: QUEUE_STATS.name,
    topicId: ({ args, context }): Subject => ({
      platform: (context as Context).platform,
      id: idOf('queueId', args.queueId as string),
    }),
  })
  queueStats(@Arg('queueId', () => ID) _queueId: string, @Root() stats: QueueStats): QueueStats {
    return stats;
  }
}

@Resolver(() => QueueShuffle)
export class QueueShuffleResolver {
  @FieldResolver(() => Int)
  entrants(@Root() shuffle: QueueShuffle, @Ctx() context: Context): Promise<number> {
    return countEntrants(context, shuffle);
  }

  @FieldResolver(() => [String], { description: 'Public ids in the order drawn; empty until the queue has opened' })
  order(
    @Root() shuffle: QueueShuffle,
    @Arg('priority', () => Int, { defaultValue: 0 }) priority: number,
    @Arg('first', () => Int, { defaultValue: 1_000 }) first: number,
    @Arg('offset', () => Int, { defaultValue: 0 }) offset: number,
    @Ctx() context: Context,
  ): Promise<string[]> {
    return readOrder(context, shuffle, { priority, first, offset });
  }
}
