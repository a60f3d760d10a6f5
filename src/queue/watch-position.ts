import { type Context, callerOf } from '../api/context.ts';
import { badInput, notFound } from '../api/problems.ts';
import { ConflatingIterator } from '../platform/conflating-iterator.ts';
import { readToken } from './line/line.ts';
import { hashOf, type QueueToken, queueIdOf, tokenIdOf } from './queue-token.ts';
import { watchToken } from './replica/queue-watch.ts';

/**
 * The caller's own token: now, then as it changes. Ends after the token has ended; fails with NOT_FOUND when the token no
 * longer exists because Redis lost its memory.
 * @throws CallerError NOT_FOUND for an unknown or another user's token; BAD_USER_INPUT for a value that cannot be one
 */
export async function watchPosition(context: Context, value: string): Promise<AsyncIterable<QueueToken>> {
  const caller = callerOf(context);
  const queueId = queueIdOf(value);
  if (!queueId) throw badInput('token', 'is no queue token');
  const tokenId = tokenIdOf(hashOf(value));
  const view = await readToken(context.platform, queueId, tokenId);
  if (view?.token.userId !== caller.id) throw notFound('queue token');
  let stop: (() => void) | undefined;
  const places = new ConflatingIterator<QueueToken>(() => stop?.());
  if (view.token.hasEnded) {
    places.push(view.token);
    places.end();
    return places;
  }
  stop = await watchToken(
    context.platform,
    queueId,
    tokenId,
    view,
    ({ token }) => {
      places.push(token);
      if (token.hasEnded) places.end();
    },
    () => places.fail(notFound('queue token')),
  );
  if (places.ended) stop();
  return places;
}
