import { type Context, callerOf } from '../api/context.ts';
import { badInput, notFound } from '../api/problems.ts';
import { ConflatingIterator } from '../platform/conflating-iterator.ts';
import { readToken } from './line/line.ts';
import { hashOf, type QueueToken, queueIdOf, tokenIdOf } from './queue-token.ts';
import { watchToken } from './replica/queue-watch.ts';

/**
 * The caller's own place: now, then as it changes; ends after the token has ended, and with
 * NOT_FOUND once there is no such token any more: Redis lost its memory.
 * @throws CallerError NOT_FOUND for an unknown or another user's token; BAD_USER_INPUT for a value that cannot be one
 */
export async function watchPosition(context: Context, value: string): Promise<AsyncIterable<QueueToken>> {
  const caller = callerOf(context);
  const queueId = queueIdOf(value);
  if (!queueId) throw badInput('token is no queue token.');
  const tokenId = tokenIdOf(hashOf(value));
  const now = await readToken(context.platform, queueId, tokenId);
  if (now?.token.userId !== caller.id) throw notFound('queue token');
  let stop: (() => void) | undefined;
  const places = new ConflatingIterator<QueueToken>(() => stop?.());
  if (now.token.hasEnded) {
    places.push(now.token);
    places.end();
    return places;
  }
  stop = await watchToken(
    context.platform,
    queueId,
    tokenId,
    now,
    ({ token }) => {
      places.push(token);
      if (token.hasEnded) places.end();
    },
    () => places.fail(notFound('queue token')),
  );
  if (places.ended) stop();
  return places;
}
