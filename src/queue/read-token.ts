import { type Caller, type Context, callerOf } from '../api/context.ts';
import { badInput, notFound } from '../api/problems.ts';
import type { Platform } from '../platform/platform.ts';
import { readToken } from './line/line.ts';
import { hashOf, type QueueToken, queueIdOf, type TokenView, tokenIdOf } from './queue-token.ts';
import { recallToken, rememberToken } from './replica/queue-watch.ts';

/**
 * The caller's own token of that value. A WAITING token that was read before is answered from the replica, at most two
 * seconds old, without asking Redis.
 * @returns null when it is unknown or another user's
 * @throws CallerError BAD_USER_INPUT for a value that cannot be one
 */
export function readOwnToken(context: Context, value: string): QueueToken | null | Promise<QueueToken | null> {
  const caller = callerOf(context);
  const queueId = queueIdOf(value);
  if (!queueId) throw badInput('value', 'is no queue token');
  const tokenId = tokenIdOf(hashOf(value));
  const known = recallToken(context.platform, queueId, tokenId);
  return known ? ownOf(known, caller) : readFromRedis(context.platform, queueId, tokenId, caller);
}

/**
 * The same, unless the token is still of that version. It counts as presence either way.
 * @returns null while the token is of that version
 * @throws CallerError NOT_FOUND for a token that is unknown or another user's; BAD_USER_INPUT for a value that cannot be
 * one
 */
export function readTokenIfChanged(
  context: Context,
  value: string,
  version: string,
): QueueToken | null | Promise<QueueToken | null> {
  const unlessSame = (token: QueueToken | null): QueueToken | null => {
    if (!token) throw notFound('queue token');
    return token.version === version ? null : token;
  };
  const token = readOwnToken(context, value);
  return token instanceof Promise ? token.then(unlessSame) : unlessSame(token);
}

async function readFromRedis(
  platform: Platform,
  queueId: string,
  tokenId: string,
  caller: Caller,
): Promise<QueueToken | null> {
  const view = await readToken(platform, queueId, tokenId);
  const own = view ? ownOf(view, caller) : null;
  if (view && own?.status === 'WAITING') rememberToken(platform, queueId, tokenId, view);
  return own;
}

function ownOf({ token }: TokenView, caller: Caller): QueueToken | null {
  return token.userId === caller.id ? token : null;
}
