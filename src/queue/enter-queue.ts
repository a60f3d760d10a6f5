import type { EntityManager } from '@mikro-orm/core';
import { Field, ID, InputType } from 'type-graphql';
import { type Context, callerOf } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { notFound, type Refusal, refuse } from '../api/problems.ts';
import { loadScript, runScript } from '../platform/lua.ts';
import type { Platform } from '../platform/platform.ts';
import { sql } from '../platform/postgres.ts';
import { noteLive, queueKey, restoreSettings } from './line/line.ts';
import { PriorityCode } from './queue.ts';
import { hashOf, newSecret, type QueueToken, type RawView, readView, tokenIdOf, tokenValueOf } from './queue-token.ts';
import { rememberToken } from './replica/queue-watch.ts';

const ENTER = loadScript(import.meta.url, 'line/enter');

/** The lane of entries without a code. */
const LOWEST_LANE = '0';

@InputType()
export class EnterQueueInput {
  @Field(() => ID)
  queueId!: string;

  @Field(() => String, {
    nullable: true,
    description: `An operator-issued code: its priority's lane goes before lower ones; order of entry within a lane. The first user to present it owns it
(asking again is safe), anyone else gets PRIORITY_CODE_INVALID; a WAITING user moves lane and keeps the value`,
  })
  priorityCode?: string | null;
}

type Answer = RawView | 'UNKNOWN' | 'QUEUE_CLOSED' | 'QUEUE_FULL';

/**
 * Gives the caller a place at the back of the queue, or of the code's lane. A caller who has a live token gets that one; a
 * code moves it to a higher lane, never to a lower one.
 * @returns a token, WAITING when it is new; PRIORITY_CODE_INVALID, QUEUE_CLOSED, QUEUE_FULL
 * @throws CallerError NOT_FOUND for an unknown queue; BAD_USER_INPUT for text that is no id; what Redis throws while it is
 * away
 */
export async function enterQueue(context: Context, input: EnterQueueInput): Promise<QueueToken | Refusal> {
  const { id: userId } = callerOf(context);
  const queueId = idOf('queueId', input.queueId);
  const { priorityCode } = input;
  const coded = typeof priorityCode === 'string';
  const lane = coded ? await claimCode(context.em, queueId, userId, priorityCode) : LOWEST_LANE;
  if (lane === undefined) {
    if (!(await restoreSettings(context.platform, queueId))) throw notFound('queue');
    return refuse('PRIORITY_CODE_INVALID');
  }
  const secret = newSecret();
  let answer = await enter(context.platform, queueId, { userId, secret, lane });
  if (answer === 'UNKNOWN') {
    if (!(await restoreSettings(context.platform, queueId))) throw notFound('queue');
    answer = await enter(context.platform, queueId, { userId, secret, lane });
  }
  if (answer === 'UNKNOWN') throw notFound('queue');
  if (!Array.isArray(answer)) return refuse(answer);
  const view = readView(queueId, answer);
  const isNew = answer[0] === secret;
  // Entering again counts as being present, like a poll.
  if (!isNew && view.token.status === 'WAITING')
    rememberToken(context.platform, queueId, idOfValue(view.token.value), view);
  return view.token;
}

/**
 * Gives the code to the user where nobody has it yet; presenting it again is safe.
 * @returns the lane that the code opens; undefined for a code that is unknown, another queue's or another user's
 */
async function claimCode(
  em: EntityManager,
  queueId: string,
  userId: string,
  code: string,
): Promise<string | undefined> {
  const [claimed] = await sql<{ priority: number }>(
    em,
    `update priority_code set user_id = $3, claimed_at = coalesce(claimed_at, clock_timestamp())
     where hash = $1 and queue_id = $2 and (user_id is null or user_id = $3) returning priority`,
    [PriorityCode.hashOf(code), queueId, userId],
  );
  return claimed && String(claimed.priority);
}

interface Entry {
  readonly userId: string;
  /** Of the token to make when the user has no live one. */
  readonly secret: string;
  readonly lane: string;
}

async function enter(platform: Platform, queueId: string, { userId, secret, lane }: Entry): Promise<Answer> {
  const args = [userId, idOfValue(tokenValueOf(queueId, secret)), secret, lane];
  const entered = runScript<Answer>(platform.redis, ENTER, queueKey(queueId), args);
  // Sent right behind the entry on the same connection, so that no token waits in a queue without ticks.
  const [answer] = await Promise.all([entered, noteLive(platform, queueId)]);
  return answer;
}

function idOfValue(value: string): string {
  return tokenIdOf(hashOf(value));
}
