import { type Context, callerOf } from '../context.ts';
import { badInput } from '../problems.ts';
import { lookAtToken } from './look-at-token.ts';
import { hashOf, queueIdOf, tokenIdOf } from './queue-keys.ts';
import type { QueueToken } from './queue-token.ts';
import { recallToken, rememberToken } from './watch-queue.ts';

/**
 * The caller's own token of that value; null when it is unknown or another user's. A place that waits and is asked for
 * again is reckoned from the ticks, at most two seconds old, without asking Redis.
 * @throws CallerError BAD_USER_INPUT for a value that cannot be one
 */
export async function readOwnToken(context: Context, value: string): Promise<QueueToken | null> {
  const { platform } = context;
  const caller = callerOf(context);
  const queueId = queueIdOf(value);
  if (!queueId) throw badInput('value is no queue token.');
  const tokenId = tokenIdOf(hashOf(value));
  const known = recallToken(platform, queueId, tokenId);
  const view = known ?? (await lookAtToken(platform, queueId, tokenId));
  if (view?.token.userId !== caller.id) return null;
  if (!known && view.token.status === 'WAITING') rememberToken(platform, queueId, tokenId, view);
  return view.token;
}
