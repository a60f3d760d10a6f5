import { Arg, Ctx, Extensions, ID, Query, Resolver, Root, Subscription } from 'type-graphql';
import { Cacheable } from '../api/cacheable.ts';
import { type Context, PUBLIC } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import type { Subject } from '../platform/topics.ts';
import { QUEUE_BOARD, QueueBoard, readBoard } from './queue-board.ts';

@Resolver()
export class QueueBoardResolver {
  @Extensions(PUBLIC)
  @Cacheable(1)
  @Query(() => QueueBoard, {
    nullable: true,
    description: 'What a queue shows to everybody; null for an unknown queue, and for one whose `board` is off',
  })
  async queueBoard(
    @Arg('queueId', () => ID, { description: 'Id of the queue' }) queueId: string,
    @Ctx() { platform }: Context,
  ): Promise<QueueBoard | null> {
    return (await readBoard(platform, idOf('queueId', queueId))) ?? null;
  }

  @Extensions(PUBLIC)
  @Subscription(() => QueueBoard, {
    name: 'queueBoard',
    description: `What a queue shows to everybody: now, then at most once a second when something has changed, and at least every 10 s. Error: \`NOT_FOUND\` for an unknown queue, and for one whose \`board\` is off or is switched off`,
    topics: QUEUE_BOARD.name,
    topicId: ({ args, context }): Subject => ({
      platform: (context as Context).platform,
      id: idOf('queueId', args.queueId as string),
    }),
  })
  queueBoardEvents(
    @Arg('queueId', () => ID, { description: 'Id of the queue' }) _queueId: string,
    @Root() board: QueueBoard,
  ): QueueBoard {
    return board;
  }
}
