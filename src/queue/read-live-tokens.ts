import type { Context } from '../api/context.ts';
import { loadScript, runScript } from '../platform/lua.ts';
import { liveQueues, queueKey } from './line/line.ts';
import { type QueueToken, type RawView, readView } from './queue-token.ts';

const READ_LIVE_TOKEN = loadScript(import.meta.url, 'line/read-live-token');

/**
 * The WAITING and ACTIVE tokens of a user in all queues, the newest first. Every queue with people in it is asked, all
 * at once. A caller who reads the own tokens counts as present in each of these queues; another user's tokens can be
 * read without a trace.
 * @param userId the holder, in the canonical spelling of an id
 * @throws what Redis throws while it is unreachable
 */
export async function readLiveTokens(context: Context, userId: string): Promise<QueueToken[]> {
  const queueIds = await liveQueues(context.platform);
  const tokens = await Promise.all(queueIds.map((queueId) => readLiveToken(context, queueId, userId)));
  return tokens.flatMap((token) => token ?? []).sort((a, b) => b.enteredAt.getTime() - a.enteredAt.getTime());
}

/**
 * The WAITING or ACTIVE token of a user in one queue, as `readLiveTokens` reads it. @returns undefined when there is none
 */
export async function readLiveToken(
  { platform, caller }: Pick<Context, 'platform' | 'caller'>,
  queueId: string,
  userId: string,
): Promise<QueueToken | undefined> {
  const isHolder = caller?.id === userId ? 1 : 0;
  const raw = await runScript<RawView | null>(platform.redis, READ_LIVE_TOKEN, queueKey(queueId), [userId, isHolder]);
  return raw ? readView(platform, queueId, raw).token : undefined;
}
