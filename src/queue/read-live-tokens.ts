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
export async function readLiveTokens({ platform, caller }: Context, userId: string): Promise<QueueToken[]> {
  const isHolder = caller?.id === userId ? 1 : 0;
  const read = async (queueId: string): Promise<QueueToken[]> => {
    const raw = await runScript<RawView | null>(platform.redis, READ_LIVE_TOKEN, queueKey(queueId), [userId, isHolder]);
    return raw ? [readView(queueId, raw).token] : [];
  };
  const tokens = await Promise.all((await liveQueues(platform)).map(read));
  return tokens.flat().sort((a, b) => b.enteredAt.getTime() - a.enteredAt.getTime());
}
