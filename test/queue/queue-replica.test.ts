import { afterEach, beforeEach, expect, it } from 'vitest';
import type { QueueMessage } from '../../src/queue/line/line.ts';
import type { QueueReplica } from '../../src/queue/replica/queue-replica.ts';
import { pause } from '../support/places.ts';
import { messageOf, type ObservedReplica, openReplica, QueuePlatform, turn } from '../support/queue-platform.ts';

let redis: QueuePlatform;
let replica: QueueReplica;
let messages: ObservedReplica['messages'];
beforeEach(async () => {
  redis = new QueuePlatform();
  ({ replica, messages } = await openReplica(redis, messageOf({ seq: 10, tails: { 0: 20 }, departed: { 0: [4] } })));
});
afterEach(() => replica.close());

const next = (seq: number, parts: Partial<QueueMessage> = {}): QueueMessage =>
  messageOf({ seq, tails: { 0: 20 }, ...parts });

function place(number: number): number {
  if (!replica.latest) throw new Error('nothing is known');
  return replica.isWaiting('0', number) ? replica.position('0', number) : 0;
}

it('messages in sequence move positions without a read from Redis', () => {
  expect([place(3), place(5)]).toEqual([3, 4]);
  redis.publish(next(11, { heads: { 0: 2 }, departed: { 0: [7, 1] } }));
  redis.publish(next(12, { heads: { 0: 4 } }));
  expect([place(4), place(5), place(6), place(8)]).toEqual([0, 1, 2, 3]);
  expect(messages).toEqual([
    ...[[10, 'everything']],
    ...[
      [11, 'nothing'],
      [12, 'nothing'],
    ],
  ]);
  expect(redis.snapshots).toHaveLength(0);
});

it('a message received twice, or one that the snapshot contains already, counts once', () => {
  redis.publish(next(10, { departed: { 0: [2] } }));
  redis.publish(next(11, { departed: { 0: [3] } }));
  redis.publish(next(11, { departed: { 0: [3, 1] } }));
  expect(place(6)).toBe(4);
  expect(messages).toHaveLength(2);
});

it.each([
  ['a gap in the sequence', { seq: 12 }],
  ['another epoch', { seq: 11, epoch: 'two' }],
  ['a message that could not carry everything', { seq: 11, resync: true }],
])('%s makes the replica read a snapshot, and report that something may have been missed', async (_name, parts) => {
  redis.publish(next(11, parts));
  await redis.giveSnapshot(next(12, { departed: { 0: [1, 2] }, epoch: 'two' }));
  expect(place(5)).toBe(3);
  expect(messages).toEqual([
    [10, 'everything'],
    [12, 'everything'],
  ]);
});

it('a message that comes while a snapshot is read is applied after it', async () => {
  redis.publish(next(12));
  redis.publish(next(13, { departed: { 0: [9] } }));
  redis.publish(next(14, { departed: { 0: [1] } }));
  await redis.giveSnapshot(next(13, { departed: { 0: [4, 9] } }));
  expect([place(5), place(10)]).toEqual([3, 7]);
  expect(messages.slice(1)).toEqual([
    [13, 'messages'],
    [14, 'nothing'],
  ]);
});

it.each([
  ['that could not carry everything', next(13, { resync: true })],
  ['behind a gap', next(14)],
])('a message %s, while a snapshot is read, makes the replica read another one', async (_name, message) => {
  redis.publish(next(12));
  redis.publish(message);
  await redis.giveSnapshot(next(12, { departed: { 0: [4] } }));
  await redis.giveSnapshot(next(14, { departed: { 0: [1, 2, 3] } }));
  expect(replica.latest?.seq).toBe(14);
  expect(place(5)).toBe(2);
  expect(messages.slice(1).every(([, missed]) => missed === 'messages')).toBe(true);
});

it('a closed replica receives nothing and reads nothing', async () => {
  replica.close();
  redis.publish(next(11));
  redis.publish(next(20));
  await turn();
  expect(messages).toEqual([[10, 'everything']]);
  expect(redis.snapshots).toHaveLength(0);
});

it('lanes with a higher digit go before the others, whatever their numbers', async () => {
  redis.publish(next(11, { heads: { 9: 5, 2: 0, 0: 3 }, tails: { 9: 8, 2: 4, 0: 20 }, departed: { 9: [7], 0: [6] } }));
  const placeIn = (lane: string, number: number): number => replica.position(lane, number);
  expect([placeIn('9', 6), placeIn('9', 8), placeIn('2', 1), placeIn('2', 4)]).toEqual([1, 2, 3, 6]);
  expect([placeIn('0', 5), placeIn('0', 7), replica.isWaiting('9', 7), replica.isWaiting('0', 3)]).toEqual([
    7,
    8,
    false,
    false,
  ]);
});

it('what was on its way for more than two seconds is not shown as though it were new', async () => {
  redis.publish(next(11, { at: 1_000 }));
  expect(replica.latest?.seq).toBe(11);
  redis.publish(next(12, { at: 3_001 }));
  redis.publish(next(13, { at: 1_000 }));
  expect(replica.latest).toBeUndefined();
  expect(replica.last?.seq).toBe(13);
});

it.each([
  ['whose sequence is behind', next(9)],
  ['that has given out fewer numbers', next(12, { tails: { 0: 19 } })],
  ['that lacks a lane', next(12, { tails: {}, heads: {} })],
  ['that came back after the connection was lost', next(12)],
])('a Redis %s, under the same epoch, makes everything doubtful', async (name, snapshot) => {
  if (name.includes('connection')) redis.comeBack();
  else redis.publish(next(12));
  await redis.giveSnapshot({ ...snapshot, at: 1_500 });
  expect(messages.slice(1)).toEqual([[snapshot.seq, 'everything']]);
  expect([replica.validSince, replica.latest?.seq]).toEqual([1_500, snapshot.seq]);
});

it('nothing is shown from the moment that the connection is back until everything is read', async () => {
  redis.comeBack();
  expect(replica.latest).toBeUndefined();
  await redis.giveSnapshot(next(12));
  expect(replica.latest?.seq).toBe(12);
});

it('an answer that was long on its way is as old as its question, and so is what comes after it', async () => {
  redis.publish(next(12));
  const askedAt = performance.now();
  await pause(300);
  const waited = performance.now() - askedAt;
  await redis.giveSnapshot(next(12, { at: 5_000 }));
  expect(replica.now).toBeGreaterThanOrEqual(5_000 + waited);
  redis.publish(next(13, { at: 5_100 }));
  expect(replica.now).toBeGreaterThanOrEqual(5_000 + waited);
});
