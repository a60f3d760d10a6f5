import { Field, ID, InputType } from 'type-graphql';
import { type Context, callerOf } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { CallerError, notFound, Refusal, refuse } from '../api/problems.ts';
import { uncountUse } from '../api/rate-limits.ts';
import { PRIORITY_CODES, rowsOf } from '../commands/lock-order.ts';
import { run, type Verb } from '../commands/runner.ts';
import { loadScript, runScript } from '../platform/lua.ts';
import type { Platform } from '../platform/platform.ts';
import { noteLive, queueKey, restoreSettings } from './line/line.ts';
import { PriorityCode, Queue } from './queue.ts';
import { hashOf, newSecret, type QueueToken, type RawView, readView, tokenIdOf, tokenValueOf } from './queue-token.ts';

const ENTER = loadScript(import.meta.url, 'line/enter');

/** The lane of entries without a code. */
const LOWEST_LANE = '0';

@InputType({ description: 'Which queue, and perhaps a priority code' })
export class EnterQueueInput {
  @Field(() => ID, { description: 'Id of the queue' })
  queueId!: string;

  @Field(() => String, {
    nullable: true,
    description: `A code that an operator has issued. The lane of its priority is admitted before lower ones; within a lane the order is
that of entry. The code belongs to the first user who presents it, who may present it again; of anybody else it is
\`PRIORITY_CODE_INVALID\`. A WAITING user moves to the lane, and the token keeps its value`,
  })
  priorityCode?: string | null;
}

interface PresentedCode {
  readonly hash: string;
  readonly queueId: string;
  readonly userId: string;
}

/**
 * Answers the lane that the code opens; PRIORITY_CODE_INVALID for one that is unknown, another queue's or another
 * user's.
 */
const CLAIM_CODE: Verb<PresentedCode, string | Refusal> = {
  name: 'claimCode',
  contends: ({ hash }) => [`code:${hash}`],
  locks: ({ hash }) => ({ rows: [rowsOf(PRIORITY_CODES, [hash])] }),

  decide({ asked: { hash, queueId, userId } }, scene) {
    const code = scene.find(PRIORITY_CODES, hash);
    if (code?.queueId !== queueId || !code.claim(userId, scene.now)) return refuse('PRIORITY_CODE_INVALID');
    return String(code.priority);
  },
};

const TOO_MANY_ENTRIES = 'The queue takes no more people this moment; ask again after retryAfterMs.';

/** A number: the milliseconds after which to ask again. */
type Answer = RawView | 'UNKNOWN' | 'QUEUE_CLOSED' | 'QUEUE_FULL' | number;

/**
 * Gives the caller a place at the back of the queue, or of the code's lane. A caller who has a live token gets that
 * one; a code moves it to a higher lane, never to a lower one.
 * @returns a token, WAITING when it is new; PRIORITY_CODE_INVALID, QUEUE_CLOSED, QUEUE_FULL
 * @throws CallerError NOT_FOUND for an unknown queue; BAD_USER_INPUT for text that is no id; RATE_LIMITED, with
 * `retryAfterMs`, when the queue's `entriesPerMinute` leaves no room; what Redis throws while it is unreachable
 */
export async function enterQueue(context: Context, input: EnterQueueInput): Promise<QueueToken | Refusal> {
  const { id: userId } = callerOf(context);
  const queueId = idOf('input.queueId', input.queueId);
  const { priorityCode } = input;
  let lane: string | Refusal = LOWEST_LANE;
  if (typeof priorityCode === 'string') {
    lane = await run(context, CLAIM_CODE, { hash: PriorityCode.hashOf(priorityCode), queueId, userId });
    if (!(lane instanceof Refusal)) await uncountUse(context, { input }, ['priorityCodes']);
  }
  if (lane instanceof Refusal) {
    if (!(await context.em.findOne(Queue, { id: queueId }))) throw notFound('queue');
    return lane;
  }
  const secret = newSecret();
  let answer = await enter(context.platform, queueId, { userId, secret, lane });
  if (answer === 'UNKNOWN') {
    if (!(await restoreSettings(context.platform, queueId))) throw notFound('queue');
    answer = await enter(context.platform, queueId, { userId, secret, lane });
  }
  if (answer === 'UNKNOWN') throw notFound('queue');
  if (typeof answer === 'number') {
    throw new CallerError('RATE_LIMITED', TOO_MANY_ENTRIES, { retryAfterMs: answer });
  }
  if (!Array.isArray(answer)) return refuse(answer);
  return readView(context.platform, queueId, answer).token;
}

interface Entry {
  readonly userId: string;
  /** Of the token to make when the user has no live one. */
  readonly secret: string;
  readonly lane: string;
}

async function enter(platform: Platform, queueId: string, { userId, secret, lane }: Entry): Promise<Answer> {
  const args = [userId, tokenIdOf(hashOf(tokenValueOf(queueId, secret))), secret, lane];
  const entered = runScript<Answer>(platform.redis, ENTER, queueKey(queueId), args);
  // Sent right behind the entry on the same connection, so that no token waits in a queue without ticks.
  const [answer] = await Promise.all([entered, noteLive(platform, queueId)]);
  return answer;
}
