import { beforeEach, expect, it } from 'vitest';
import type { QueueMessage } from '../../src/queue/line/line.ts';
import { moveView, readView, type TokenView } from '../../src/queue/queue-token.ts';
import { watchCounts, watchToken } from '../../src/queue/replica/queue-watch.ts';
import { messageOf, QueuePlatform, turn, waitingView } from '../support/queue-platform.ts';

const QUEUE = '01a1fcbd-1f9c-74d5-b9e5-708a607bfb16';

let redis: QueuePlatform;
beforeEach(() => {
  redis = new QueuePlatform();
});

interface Watching {
  readonly told: (number | null)[];
  ended: number;
  stop: () => void;
}

/** Watches a token that Redis first tells at `position` under the same number. */
async function watch(tokenId: string, position: number, isFirst: boolean): Promise<Watching> {
  const watching: Watching = { told: [], ended: 0, stop: () => undefined };
  const tell = ({ token }: TokenView): number => watching.told.push(token.position);
  const view = readView(redis.platform, QUEUE, waitingView(position, position, 1_000));
  const begun = watchToken(redis.platform, QUEUE, tokenId, view, tell, () => {
    watching.ended += 1;
  });
  if (isFirst) await redis.giveSnapshot(tick(1, { at: 1_000 }));
  watching.stop = await begun;
  return watching;
}

function tick(seq: number, parts: Partial<QueueMessage> = {}): QueueMessage {
  return messageOf({ seq, at: 1_000 + seq, tails: { 0: 50 }, ...parts });
}

it('a watcher that comes while the last one leaves receives everything that happens afterwards', async () => {
  const first = await watch('one', 3, true);
  const coming = watch('two', 4, false);
  first.stop();
  const second = await coming;

  redis.publish(tick(2, { heads: { 0: 1 } }));

  expect(second.told).toEqual([4, 3]);
  expect(first.told).toEqual([3]);
  second.stop();
});

it('a watcher that has left receives nothing, and the next one begins with the present state', async () => {
  const first = await watch('one', 3, true);
  first.stop();
  first.stop();
  redis.publish(tick(2, { heads: { 0: 1 } }));
  expect(first.told).toEqual([3]);

  const second = await watch('one', 3, false);
  redis.publish(tick(3, { heads: { 0: 2 } }));
  expect(second.told).toEqual([2, 1]);
  expect(first.told).toEqual([3]);
  second.stop();
});

it('a message that is older than the answer about a token does not move it back', async () => {
  const watching = await watch('one', 3, true);
  redis.publish(tick(2, { changed: ['one'] }));
  await redis.giveView(waitingView(3, 1, 1_090));

  redis.publish(tick(3, { at: 1_080, heads: { 0: 1 } }));
  expect(watching.told).toEqual([3, 1]);

  redis.publish(tick(4, { at: 1_100, heads: { 0: 2 } }));
  redis.publish(tick(5, { at: 1_200, heads: { 0: 2 }, tails: { 0: 51 } }));
  expect(watching.told).toEqual([3, 1]);
  watching.stop();
});

it('of a token that changes while it is read, the later answer counts, and each read waits for the last', async () => {
  const watching = await watch('one', 9, true);
  redis.publish(tick(2, { changed: ['one'] }));
  redis.publish(tick(3, { changed: ['one'] }));
  redis.publish(tick(4, { heads: { 0: 8 } }));
  expect(redis.looks).toHaveLength(1);

  await redis.giveView(waitingView(9, 5, 1_001));
  await redis.giveView(waitingView(9, 1, 1_010));

  expect(watching.told).toEqual([9, 5, 1]);
  expect(redis.looks).toHaveLength(0);
  watching.stop();
});

it('a message that comes while a token is read waits for an answer that is newer than itself', async () => {
  const watching = await watch('one', 9, true);
  redis.publish(tick(2, { changed: ['one'] }));
  redis.publish(tick(3, { heads: { 0: 4 } }));
  expect(watching.told).toEqual([9]);

  await redis.giveView(waitingView(9, 9, 1_002));
  await redis.giveView(waitingView(9, 5, 1_010));

  expect(watching.told).toEqual([9, 9, 5]);
  watching.stop();
});

it('a token that no longer exists ends the watching, once', async () => {
  const watching = await watch('one', 9, true);
  redis.publish(tick(2, { changed: ['one'] }));
  await redis.giveView(null);
  expect(watching.ended).toBe(1);
  watching.stop();
});

it('a watcher of the counts of a queue that is watched already begins with the latest', async () => {
  const token = await watch('one', 3, true);
  redis.publish(tick(2, { waiting: 7 }));
  const heard: number[] = [];

  const stop = await watchCounts(redis.platform, QUEUE, ({ waiting }) => heard.push(waiting));
  token.stop();
  redis.publish(tick(3, { waiting: 6 }));
  stop();
  redis.publish(tick(4, { waiting: 5 }));
  await turn();

  expect(heard).toEqual([7, 6]);
});

it('what Redis answered before its data set was another one is read again', async () => {
  const told: (number | null)[] = [];
  const view = readView(redis.platform, QUEUE, waitingView(5, 5, 900));
  const begun = watchToken(
    redis.platform,
    QUEUE,
    'one',
    view,
    ({ token }) => told.push(token.position),
    () => told.push(null),
  );
  await redis.giveSnapshot(tick(1));
  await redis.giveView(null);
  const stop = await begun;
  expect(told).toEqual([null]);
  stop();
});

it('the next poll is wanted after half of the time to the expected turn, or sooner', () => {
  const view = readView(redis.platform, QUEUE, waitingView(500, 500, 1_000));
  const pollAfterMs = (msPerPlace: number): number =>
    moveView(view, tick(2, { msPerPlace, awayMs: 180_000 }), 500, 2_000).token.pollAfterMs;
  expect([0, 100, 8, 2].map(pollAfterMs)).toEqual([3_450, 3_450, 2_000, 1_000]);
});
