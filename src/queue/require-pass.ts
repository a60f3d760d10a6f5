import { type Context, callerOf, type Pass } from '../api/context.ts';
import { CallerError } from '../api/problems.ts';
import type { Platform } from '../platform/platform.ts';
import { forkOf } from '../platform/platform.ts';
import { readToken } from './line/line.ts';
import { Queue } from './queue.ts';
import { hashOf, queueIdOf, type TokenView, tokenIdOf } from './queue-token.ts';
import { watchToken } from './replica/queue-watch.ts';

/**
 * Checks that the caller holds an ACTIVE token of the queue.
 * @param queueId the queue in front; null for none, and then nothing is checked
 * @returns the pass; null when none is needed
 * @throws CallerError UNAUTHENTICATED without a user; QUEUE_TOKEN_REQUIRED with `extensions.queue` for a token that is
 * missing, forged, another user's, another queue's, or not ACTIVE; what Redis throws while it is unreachable
 */
export async function requirePass(context: Context, queueId: string | null): Promise<Pass | null> {
  if (queueId === null) return null;
  const pass = await findPass(context, queueId);
  if (!pass) throw await tokenRequired(context.platform, queueId);
  return pass;
}

/** The pass of the caller's ACTIVE token; undefined without one. @throws CallerError UNAUTHENTICATED without a user */
export async function findPass(context: Context, queueId: string): Promise<Pass | undefined> {
  const caller = callerOf(context);
  const value = context.queueToken;
  if (value === undefined || queueIdOf(value) !== queueId) return undefined;
  const tokenHash = hashOf(value);
  const view = await readToken(context.platform, queueId, tokenIdOf(tokenHash));
  const opens = view?.token.status === 'ACTIVE' && view.token.userId === caller.id;
  return opens ? { queueId, tokenHash } : undefined;
}

/**
 * Calls `onEnd` once the pass has ended: its token is no longer ACTIVE, or Redis does not have it.
 * @returns a function that stops watching
 * @throws what Redis throws while it is unreachable
 */
export async function watchPass(platform: Platform, pass: Pass, onEnd: () => void): Promise<() => void> {
  const tokenId = tokenIdOf(pass.tokenHash);
  const view = await readToken(platform, pass.queueId, tokenId);
  if (view) {
    const judge = ({ token }: TokenView): void => (token.status === 'ACTIVE' ? undefined : onEnd());
    return watchToken(platform, pass.queueId, tokenId, view, judge, onEnd);
  }
  onEnd();
  return () => undefined;
}

/** The error QUEUE_TOKEN_REQUIRED, with the queue that the client is to enter. */
export async function tokenRequired(platform: Platform, queueId: string): Promise<CallerError> {
  const queue = await forkOf(platform).findOne(Queue, { id: queueId });
  return tokenRequiredNow(queueId, queue?.state);
}

/** The same error, where the queue's state is known. */
export function tokenRequiredNow(queueId: string, state: string | null | undefined): CallerError {
  return new CallerError('QUEUE_TOKEN_REQUIRED', undefined, { queue: { id: queueId, state } });
}
