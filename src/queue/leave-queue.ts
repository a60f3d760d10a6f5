import { type Context, callerOf } from '../api/context.ts';
import { badInput, notFound } from '../api/problems.ts';
import { loadScript, runScript } from '../platform/lua.ts';
import { releaseHoldsOfToken } from '../reservations/release-reservation.ts';
import { queueKey } from './line/line.ts';
import { hashOf, type QueueToken, queueIdOf, type RawView, readView, tokenIdOf } from './queue-token.ts';

const LEAVE = loadScript(import.meta.url, 'line/leave');

/**
 * Gives up the caller's place and releases the seats held under it. A token that has ended stays as it is.
 * @returns the token, LEFT unless it had ended before
 * @throws CallerError NOT_FOUND for an unknown or another user's token; BAD_USER_INPUT for a value that cannot be one
 */
export async function leaveQueue(context: Context, value: string): Promise<QueueToken> {
  const caller = callerOf(context);
  const queueId = queueIdOf(value);
  if (!queueId) throw badInput('token', 'is no queue token');
  const tokenHash = hashOf(value);
  const args = [tokenIdOf(tokenHash), caller.id];
  const raw = await runScript<RawView | null>(context.platform.redis, LEAVE, queueKey(queueId), args);
  if (!raw) throw notFound('queue token');
  const { token } = readView(context.platform, queueId, raw);
  if (token.status === 'LEFT') await releaseHoldsOfToken(context.platform, tokenHash);
  return token;
}
