import { CountByKey } from '../platform/count-by-key.ts';
import { type Platform, perProcess } from '../platform/platform.ts';
import { SECOND } from '../platform/units.ts';
import type { Caller } from './context.ts';
import { CallerError } from './problems.ts';

/** What each user has open in this process, over sockets and streams together. */
const audience = perProcess(() => ({ sockets: new CountByKey(), subscriptions: new CountByKey() }));

/**
 * Counts one more socket of the caller's.
 * @returns a function that counts it out again; undefined when there are SOCKETS_PER_USER already
 */
export function admitSocket(platform: Platform, caller: Caller): (() => void) | undefined {
  const { sockets } = audience(platform);
  if (!sockets.take(caller.id, platform.config.SOCKETS_PER_USER)) return undefined;
  return () => sockets.giveBack(caller.id);
}

/**
 * Counts one more subscription of the caller's. Whoever is not signed in gets none that would have to be counted.
 * @returns a function that counts it out again
 * @throws CallerError RATE_LIMITED when there are SUBSCRIPTIONS_PER_USER already
 */
export function admitSubscription(platform: Platform, caller: Caller | null): () => void {
  if (!caller) return () => undefined;
  const { subscriptions } = audience(platform);
  const most = platform.config.SUBSCRIPTIONS_PER_USER;
  if (!subscriptions.take(caller.id, most)) throw tooMany(`A user has at most ${most} subscriptions.`);
  return () => subscriptions.giveBack(caller.id);
}

/** @param limit the sentence that says what there is at most */
export function tooMany(limit: string): CallerError {
  return new CallerError('RATE_LIMITED', limit, { retryAfterMs: SECOND });
}
