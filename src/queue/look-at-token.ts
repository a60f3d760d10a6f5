import { BatchByKey } from '../platform/batch-by-key.ts';
import { loadScript, runScript } from '../platform/lua.ts';
import { type Platform, perProcess } from '../platform/platform.ts';
import { queueKey } from './queue-keys.ts';
import { type RawView, readView, type TokenView } from './token-view.ts';

const READ_TOKENS = loadScript(import.meta.url, 'read-tokens');

/** Tokens asked for in one command. */
const MOST_AT_ONCE = 200;

const looks = perProcess(
  (platform) =>
    new BatchByKey<string, TokenView | undefined>(MOST_AT_ONCE, async (queueId, tokenIds) => {
      const raws = await runScript<(RawView | null)[]>(platform.redis, READ_TOKENS, queueKey(queueId), [...tokenIds]);
      return raws.map((raw) => ({ value: raw ? readView(queueId, raw) : undefined }));
    }),
);

/** The token as it is now in Redis; undefined when there is none, or when it ended more than an hour ago. */
export function lookAtToken(platform: Platform, queueId: string, tokenId: string): Promise<TokenView | undefined> {
  return looks(platform).do(queueId, tokenId);
}
