import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { QueueMessage } from '../../src/queue/line/line.ts';
import { readView } from '../../src/queue/queue-token.ts';
import { currentView, newKnownToken } from '../../src/queue/replica/known-token.ts';
import type { QueueReplica } from '../../src/queue/replica/queue-replica.ts';
import { messageOf, type ObservedReplica, openReplica, QueuePlatform, waitingView } from '../support/queue-platform.ts';

let redis: QueuePlatform;
let replica: QueueReplica;
let messages: ObservedReplica['messages'];
let invalidated: string[];
beforeEach(async () => {
  redis = new QueuePlatform();
  ({ replica, messages, invalidated } = await openReplica(
    redis,
    messageOf({ seq: 10, tails: { 0: 20 }, departed: { 0: [4] } }),
  ));
});
afterEach(() => replica.close());

const next = (seq: number, parts: Partial<QueueMessage> = {}): QueueMessage =>
  messageOf({ seq, tails: { 0: 20 }, ...parts });

function place(number: number): number {
  if (!replica.latest) throw new Error('nothing is known');
  return replica.isWaiting('0', number) ? replica.position('0', number) : 0;
}

it('an invalidation takes effect at once, and a departed number counts once, before and after the message that has it', () => {
  redis.publish({ invalidates: 'a token', at: 1_000 });
  expect(place(6)).toBe(5);
  redis.publish({ invalidates: 'another', at: 1_000, lane: '0', number: 5 });
  expect([place(5), place(6), replica.latest?.waiting]).toEqual([0, 4, -1]);
  redis.publish(next(11, { departed: { 0: [5] } }));
  redis.publish({ invalidates: 'another', at: 1_000, lane: '0', number: 5 });
  expect([place(6), replica.latest?.waiting]).toEqual([4, 0]);
  expect(invalidated).toEqual(['a token', 'another', 'another']);
  expect(messages).toHaveLength(2);
});

it('an invalidation that comes while a snapshot is read counts once, whether the snapshot is older or newer', async () => {
  redis.publish(next(12));
  redis.publish({ invalidates: 'one', at: 1_500, lane: '0', number: 2 });
  redis.publish({ invalidates: 'another', at: 2_500, lane: '0', number: 3 });
  expect([place(2), place(3), place(6)]).toEqual([0, 0, 3]);
  await redis.giveSnapshot(next(12, { at: 2_000, departed: { 0: [2, 4] }, waiting: 18 }));
  expect([place(2), place(3), place(6), replica.latest?.waiting]).toEqual([0, 0, 3, 17]);
  redis.publish(next(13, { at: 3_000, departed: { 0: [3] }, waiting: 17 }));
  expect([place(6), replica.latest?.waiting, redis.snapshots.length]).toEqual([3, 17, 0]);
  expect(new Set(invalidated)).toEqual(new Set(['one', 'another']));
});

it('an invalidation of every token, while a snapshot is read, makes the replica read another one at once', async () => {
  redis.publish(next(12));
  redis.publish({ invalidates: '', at: 1_500 });
  await redis.giveSnapshot(next(12));
  expect(replica.latest).toBeUndefined();
  await redis.giveSnapshot(next(12));
  expect(replica.latest?.seq).toBe(12);
  expect(redis.snapshots).toHaveLength(0);
});

it('a token that came and left since the last message moves no other, before and after the message that has it', () => {
  const places = (): number[] => [replica.position('5', 2), replica.position('0', 6), replica.latest?.waiting ?? 0];
  redis.publish(next(11, { heads: { 5: 0, 0: 0 }, tails: { 5: 2, 0: 20 }, departed: { 0: [2] }, waiting: 20 }));
  expect(places()).toEqual([2, 6, 20]);
  redis.publish({ invalidates: 'a moment', at: 1_100, lane: '5', number: 3 });
  redis.publish({ invalidates: 'a moment in a new lane', at: 1_100, lane: '7', number: 1 });
  expect(places()).toEqual([2, 6, 20]);
  const later = { at: 1_200, heads: { 7: 0, 5: 0, 0: 0 }, tails: { 7: 1, 5: 3, 0: 20 }, waiting: 20 };
  redis.publish(next(12, { ...later, departed: { 7: [1], 5: [3] } }));
  expect(places()).toEqual([2, 6, 20]);
  expect(invalidated).toHaveLength(2);
});

describe('a token that came since the last message', () => {
  /** The place of a token that Redis told as the fourth, when it was asked at `at`. */
  const fourth = (lane: string, number: number, at: number): number | null | undefined => {
    const [, , , , , ...rest] = waitingView(number, 4, at);
    const view = readView(redis.platform, 'a queue', ['a-secret-of-22-letters', 'a user', 'W', lane, number, ...rest]);
    return currentView(replica, newKnownToken('a token', view))?.token.position;
  };

  it('has the position that Redis answered, less those ahead of it who left since then', () => {
    redis.publish(next(11, { heads: { 5: 0, 0: 0 }, tails: { 5: 3, 0: 20 }, waiting: 22 }));
    expect([fourth('3', 1, 1_100), fourth('3', 1, 1_000)]).toEqual([4, 4]);
    redis.publish({ invalidates: 'before', at: 1_100, lane: '5', number: 1 });
    expect([fourth('3', 1, 1_100), fourth('3', 1, 1_000)]).toEqual([4, 3]);
    redis.publish({ invalidates: 'behind', at: 1_200, lane: '0', number: 6 });
    redis.publish({ invalidates: 'came and left', at: 1_200, lane: '5', number: 4 });
    expect([fourth('3', 1, 1_100), fourth('0', 5, 1_150), fourth('0', 7, 1_150)]).toEqual([4, 4, 3]);
    redis.publish(
      next(12, { at: 1_300, heads: { 5: 0, 3: 0, 0: 0 }, tails: { 5: 3, 3: 1, 0: 20 }, departed: { 5: [1] } }),
    );
    expect([fourth('3', 1, 1_100), fourth('3', 1, 1_000)]).toEqual([3, 3]);
  });

  it('is read again when a later message does not include its number', () => {
    redis.publish(next(11, { at: 1_300 }));
    expect([fourth('3', 1, 1_100), fourth('0', 21, 1_100)]).toEqual([undefined, undefined]);
  });
});
