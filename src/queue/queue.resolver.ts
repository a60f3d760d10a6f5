import {
  Arg,
  Args,
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
import { Cacheable } from '../api/cacheable.ts';
import { type Connection, PageArgs } from '../api/connection.ts';
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

const EnterQueueResult = createUnionType({
  name: 'EnterQueueResult',
  description: 'The token, or a Refusal: `QUEUE_FULL`, `QUEUE_CLOSED` or `PRIORITY_CODE_INVALID`',
  types: () => [QueueToken, Refusal] as const,
});

@Resolver(() => Queue)
export class QueueResolver {
  @Directive('@operator')
  @FieldResolver(() => QueueStats, { nullable: true, description: 'Counts of the queue now' })
  stats(@Root() queue: Queue, @Ctx() context: Context): Promise<QueueStats> {
    return readStats(context, queue.id);
  }

  @Directive('@operator')
  @Query(() => Queue, { nullable: true, description: 'A queue; null for an unknown id' })
  queue(
    @Arg('id', () => ID, { description: 'Id of the queue' }) id: string,
    @Ctx() context: Context,
  ): Promise<Queue | null> {
    return context.em.findOne(Queue, { id: idOf('id', id) });
  }

  @Directive('@operator')
  @Query(() => QueueConnection, { description: 'All queues, newest first' })
  queues(@Args(() => PageArgs) args: PageArgs, @Ctx() context: Context): Promise<Connection<Queue>> {
    return readQueues(context, args);
  }

  @Query(() => QueueToken, {
    nullable: true,
    description:
      "The caller's own place, for clients that poll; each answer counts as presence. Null for a value that is unknown or another user's",
  })
  queueToken(@Arg('value', () => ID, { description: '`QueueToken.value`' }) value: string, @Ctx() context: Context) {
    return readOwnToken(context, value);
  }

  @Query(() => QueueToken, {
    nullable: true,
    description: `For clients that poll and show little: null while the caller's own place is still of that version. It counts as presence
exactly as queueToken does. A value that is unknown or another user's is NOT_FOUND`,
  })
  queueTokenIfChanged(
    @Arg('value', () => ID, { description: '`QueueToken.value`' }) value: string,
    @Arg('version', () => String, {
      description: '`QueueToken.version` as the client has it; for any other text the place is answered',
    })
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
    description: `The last \`minutes\` of a queue, oldest first, in at most 720 rows. For a day or less these are rows of 5 seconds,
thinned evenly; for more they are wider and sum up what happened. Error: \`NOT_FOUND\` for an unknown queue`,
  })
  queueHistory(
    @Arg('queueId', () => ID, { description: 'Id of the queue' }) queueId: string,
    @Arg('minutes', () => Int, { defaultValue: 60, description: 'How far back, in minutes: 1 .. 43,200' })
    minutes: number,
    @Ctx() context: Context,
  ): Promise<QueueHistoryPoint[]> {
    return readHistory(context, queueId, minutes);
  }

  @Extensions(PUBLIC)
  @Cacheable(3_600)
  @Query(() => QueueShuffle, {
    nullable: true,
    description: 'How a queue is, or was, put in order; null for an unknown queue and one that never was SCHEDULED',
  })
  queueShuffle(
    @Arg('queueId', () => ID, { description: 'Id of the queue' }) queueId: string,
    @Ctx() context: Context,
  ): Promise<QueueShuffle | null> {
    return readShuffle(context, queueId);
  }

  @Extensions({ rates: ['places', 'priorityCodes'] })
  @Mutation(() => EnterQueueResult, {
    description: `Gives the caller a place at the back of the queue, or of the lane of a priority code. Answers the QueueToken, WAITING
when it is new; a caller with a WAITING or ACTIVE token gets that one, however often and from wherever it asks.
Refused: \`QUEUE_FULL\`, \`QUEUE_CLOSED\`, \`PRIORITY_CODE_INVALID\`. Errors: \`NOT_FOUND\` for an unknown queue;
\`RATE_LIMITED\`, with retryAfterMs, while \`entriesPerMinute\` of the queue leaves no room for a new place`,
  })
  enterQueue(
    @Arg('input', () => EnterQueueInput, { description: 'The queue, and perhaps a priority code' })
    input: EnterQueueInput,
    @Ctx() context: Context,
  ) {
    return enterQueue(context, input);
  }

  @Extensions({ rates: ['places'] })
  @Mutation(() => QueueToken, {
    description: `Gives the caller's place up, and releases the seats held with it. Answers the token, LEFT; one that had ended before
as it is. Error: \`NOT_FOUND\` for a token that is unknown or another user's`,
  })
  leaveQueue(
    @Arg('token', () => ID, { description: '`QueueToken.value`' }) token: string,
    @Ctx() context: Context,
  ): Promise<QueueToken> {
    return leaveQueue(context, token);
  }

  @Directive('@operator')
  @Mutation(() => Queue, {
    description: `Makes a queue: OPEN, or SCHEDULED with \`opensAt\`. Answers the queue. Error: \`BAD_USER_INPUT\` for input out of its
bounds and for an \`opensAt\` that is not in the future`,
  })
  createQueue(
    @Arg('input', () => CreateQueueInput, { description: 'Settings of the queue' }) input: CreateQueueInput,
    @Ctx() context: Context,
  ): Promise<Queue> {
    return createQueue(context, input);
  }

  @Directive('@operator')
  @Mutation(() => Queue, {
    description: `Changes the settings that are given, from the next admission on. Answers the queue, still SCHEDULED when its draw takes
longer than 2 seconds. Errors: \`NOT_FOUND\` for an unknown queue; \`BAD_USER_INPUT\` for input out of its bounds, a state
that the queue cannot take, and an \`opensAt\` that is not in the future or comes after the opening`,
  })
  updateQueue(
    @Arg('input', () => UpdateQueueInput, { description: 'What to change' }) input: UpdateQueueInput,
    @Ctx() context: Context,
  ): Promise<Queue> {
    return updateQueue(context, input);
  }

  @Directive('@operator')
  @Mutation(() => [String], {
    description: `Makes codes for \`enterQueue\`, each for the first user who presents it. Answers the codes, which are stored hashed and
not shown again. Errors: \`NOT_FOUND\` for an unknown queue; \`BAD_USER_INPUT\` for numbers out of their bounds`,
  })
  issuePriorityCodes(
    @Arg('input', () => IssuePriorityCodesInput, { description: 'The queue, the priority and the number of codes' })
    input: IssuePriorityCodesInput,
    @Ctx() context: Context,
  ): Promise<string[]> {
    return issuePriorityCodes(context, input);
  }

  @Directive('@operator')
  @Mutation(() => QueueToken, {
    description: `Ends the WAITING or ACTIVE place of a user in a queue, and releases the seats held with it. The user may enter again.
Answers the token, EXPIRED. Error: \`NOT_FOUND\` when the user has no such place`,
  })
  revokeToken(
    @Arg('queueId', () => ID, { description: 'Id of the queue' }) queueId: string,
    @Arg('userId', () => ID, { description: 'Id of the holder' }) userId: string,
    @Ctx() context: Context,
  ): Promise<QueueToken> {
    return revokeToken(context, queueId, userId);
  }

  @Subscription(() => QueueToken, {
    description:
      "The caller's own place: now, then whenever it changes; counts as presence. Ends after COMPLETED, EXPIRED or LEFT. Error: `NOT_FOUND` for a value that is unknown or another user's",
    subscribe: ({ args, context }) => watchPosition(context as Context, args.token as string),
  })
  queuePosition(
    @Arg('token', () => ID, { description: '`QueueToken.value`' }) _token: string,
    @Root() place: QueueToken,
  ): QueueToken {
    return place;
  }

  @Directive('@operator')
  @Subscription(() => QueueStats, {
    description: 'Counts of a queue: now, then at most once a second. Error: `NOT_FOUND` for an unknown queue',
    topics: QUEUE_STATS.name,
    topicId: ({ args, context }): Subject => ({
      platform: (context as Context).platform,
      id: idOf('queueId', args.queueId as string),
    }),
  })
  queueStats(
    @Arg('queueId', () => ID, { description: 'Id of the queue' }) _queueId: string,
    @Root() stats: QueueStats,
  ): QueueStats {
    return stats;
  }
}

@Resolver(() => QueueShuffle)
export class QueueShuffleResolver {
  @Cacheable()
  @FieldResolver(() => Int, { description: 'How many were drawn; before the opening, how many wait to be drawn' })
  entrants(@Root() shuffle: QueueShuffle, @Ctx() context: Context): Promise<number> {
    return countEntrants(context, shuffle);
  }

  @Cacheable()
  @FieldResolver(() => [String], {
    description:
      'Public ids of one lane in the order drawn; empty until the queue has opened. Error: `BAD_USER_INPUT` for numbers out of their bounds',
  })
  order(
    @Root() shuffle: QueueShuffle,
    @Arg('priority', () => Int, {
      defaultValue: 0,
      description: 'The lane: 0 without a priority code, else the priority of the code, 1 .. 9',
    })
    priority: number,
    @Arg('first', () => Int, { defaultValue: 1_000, description: 'How many ids, 1 .. 10,000' }) first: number,
    @Arg('offset', () => Int, { defaultValue: 0, description: 'How many ids are left out before them' }) offset: number,
    @Ctx() context: Context,
  ): Promise<string[]> {
    return readOrder(context, shuffle, { priority, first, offset });
  }
}
