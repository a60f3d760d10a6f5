import type { Context } from '../context.ts';
import { callerOf } from '../context.ts';
import { loadScript, runScript } from '../platform/lua.ts';
import type { Platform } from '../platform/platform.ts';
import { badInput } from '../problems.ts';
import { hashOf, queueIdOf, queueKey, tokenIdOf } from './queue-keys.ts';
import type { QueueToken } from './queue-token.ts';
import { type RawView, readView, type TokenView } from './token-view.ts';

const READ_TOKEN = loadScript(import.meta.url, 'read-token');

/** The token as it is now in Redis; undefined when there is none, or when it ended more than an hour ago. */
export async function readToken(platform: Platform, queueId: string, tokenId: string): Promise<TokenView | undefined> {
  const raw = await runScript<RawView | null>(platform.redis, READ_TOKEN, queueKey(queueId), [tokenId]);
  return raw ? readView(queueId, raw) : undefined;
}

/**
 * The caller's own token of that value; null when it is unknown or another user's.
 * @throws CallerError BAD_USER_INPUT for a value that cannot be one
 */
export async function readOwnToken(context: Context, value: string): Promise<QueueToken | null> {
  const caller = callerOf(context);
  const queueId = queueIdOf(value);
  if (!queueId) throw badInput('value is no queue token.');
  const view = await readToken(context.platform, queueId, tokenIdOf(hashOf(value)));
  return view && view.token.userId === caller.id ? view.token : null;
}
