import type { Context } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { notFound } from '../api/problems.ts';
import { loadScript, runScript } from '../platform/lua.ts';
import { releaseHoldsOfToken } from '../reservations/release-reservation.ts';
import { queueKey } from './line/line.ts';
import { hashOf, type QueueToken, type RawView, readView } from './queue-token.ts';

const REVOKE = loadScript(import.meta.url, 'line/revoke');

/**
 * Takes a user's live place away: EXPIRED, REVOKED; the seats held under it are released. The user may enter again.
 * @throws CallerError NOT_FOUND when the user has no live place in that queue
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
