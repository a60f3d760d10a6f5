import type { Batch, Context } from '../api/context.ts';
import { loadScript, runScript } from '../platform/lua.ts';
import { liveQueues, queueKey } from './line/line.ts';
import { type QueueToken, type RawView, readView } from './queue-token.ts';

const READ_LIVE_TOKEN = loadScript(import.meta.url, 'line/read-live-token');

/**
 * Loads the WAITING and ACTIVE tokens of users in all queues, of each user the newest first. Every queue with people in it
 * is asked once for each user, however often the request names the user. A caller who reads the own tokens counts as
 * present in each of these queues; another user's tokens can be read without a trace.
 * @param userIds the holders, in the canonical spelling of an id
 * @throws what Redis throws while it is unreachable
 */
export const liveTokensOfUsers: Batch<QueueToken[]> = async (context, userIds) => {
  const queueIds = await liveQueues(context.platform);
  const read = async (userId: string): Promise<[string, QueueToken[]]> => {
    const tokens = await Promise.all(queueIds.map((queueId) => readLiveToken(context, queueId, userId)));
    return [
      userId,
      tokens.flatMap((token) => token ?? []).sort((a, b) => b.enteredAt.getTime() - a.enteredAt.getTime()),
    ];
  };
  const found = new Map(await Promise.all([...new Set(userIds)].map(read)));
  return userIds.map((userId) => found.get(userId) ?? []);
};

/**
 * The WAITING or ACTIVE token of a user in one queue, as `liveTokensOfUsers` loads it. @returns undefined when there is none
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
