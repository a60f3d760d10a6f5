import { loadScript, runScript } from '../platform/lua.ts';
import type { Platform } from '../platform/platform.ts';
import { queueKey } from './line/line.ts';
import { tokenIdOf } from './queue-token.ts';

const COMPLETE = loadScript(import.meta.url, 'line/complete');
const STRETCH = loadScript(import.meta.url, 'line/stretch');

/** Ends a token as COMPLETED, after its holder has paid; a token that has ended already is not changed. */
export async function completeToken(platform: Platform, queueId: string, tokenHash: string): Promise<void> {
  await runScript(platform.redis, COMPLETE, queueKey(queueId), [tokenIdOf(tokenHash)]);
}

/**
 * Extends an ACTIVE token to the end of a hold.
 * @param holdMs milliseconds that the hold still lasts
 * @param maxMs the longest extension past the first end of the token's active time, in milliseconds
 * @returns whether the token is ACTIVE; one that has ended is not extended
 */
export async function stretchToken(
  platform: Platform,
  token: { queueId: string; tokenHash: string },
  holdMs: number,
  maxMs: number,
): Promise<boolean> {
  const args = [tokenIdOf(token.tokenHash), Math.ceil(holdMs), maxMs];
  return (await runScript<number>(platform.redis, STRETCH, queueKey(token.queueId), args)) === 1;
}
