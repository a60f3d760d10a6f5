import { Field, ID, InputType } from 'type-graphql';
import { type Context, callerOf } from '../context.ts';
import { idOf } from '../input.ts';
import { loadScript, runScript } from '../platform/lua.ts';
import type { Platform } from '../platform/platform.ts';
import { notFound, type Refusal, refuse } from '../problems.ts';
import { noteLive } from './live-queues.ts';
import { restoreSettings } from './push-settings.ts';
import { hashOf, newSecret, queueKey, tokenIdOf, tokenValueOf } from './queue-keys.ts';
import type { QueueToken } from './queue-token.ts';
import { type RawView, readView } from './token-view.ts';

const ENTER = loadScript(import.meta.url, 'enter');

@InputType()
export class EnterQueueInput {
  @Field(() => ID)
  queueId!: string;
}

type Answer = RawView | 'UNKNOWN' | 'QUEUE_CLOSED' | 'QUEUE_FULL';

/**
 * Gives the caller a place at the back of the queue, or the live one that the caller has.
 * @returns a token, WAITING when it is new; QUEUE_CLOSED, QUEUE_FULL
 * @throws CallerError NOT_FOUND for an unknown queue
 */
export async function enterQueue(context: Context, input: EnterQueueInput): Promise<QueueToken | Refusal> {
  const { id: userId } = callerOf(context);
  const queueId = idOf('queueId', input.queueId);
  let answer = await enter(context.platform, queueId, userId);
  if (answer === 'UNKNOWN') {
    if (!(await restoreSettings(context.platform, queueId))) throw notFound('queue');
    answer = await enter(context.platform, queueId, userId);
  }
  if (answer === 'UNKNOWN') throw notFound('queue');
  return Array.isArray(answer) ? readView(queueId, answer).token : refuse(answer);
}

async function enter(platform: Platform, queueId: string, userId: string): Promise<Answer> {
  const secret = newSecret();
  const tokenId = tokenIdOf(hashOf(tokenValueOf(queueId, secret)));
  const entered = runScript<Answer>(platform.redis, ENTER, queueKey(queueId), [userId, tokenId, secret]);
  // Sent right behind, on the same connection, so that no place waits in a queue without ticks.
  const [answer] = await Promise.all([entered, noteLive(platform, queueId)]);
  return answer;
}
