import type { Context } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { notFound } from '../api/problems.ts';
import { loadScript, runScript } from '../platform/lua.ts';
import { releaseHoldsOfToken } from '../reservations/release-reservation.ts';
import { queueKey } from './line/line.ts';
import { hashOf, type QueueToken, type RawView, readView } from './queue-token.ts';

const REVOKE = loadScript(import.meta.url, 'line/revoke');

/**
 * Ends a user's live token as EXPIRED (REVOKED) and releases the seats held under it. The user may enter again.
 * @returns the token
 * @throws CallerError NOT_FOUND when the user has no live token in that queue; BAD_USER_INPUT for text that is no id
 */
export async function revokeToken(context: Context, queueId: string, userId: string): Promise<QueueToken> {
  const id = idOf('queueId', queueId);
  const args = [idOf('userId', userId)];
  const raw = await runScript<RawView | null>(context.platform.redis, REVOKE, queueKey(id), args);
  if (!raw) throw notFound('live place of that user');
  const { token } = readView(id, raw);
  await releaseHoldsOfToken(context.platform, hashOf(token.value));
  return token;
}
