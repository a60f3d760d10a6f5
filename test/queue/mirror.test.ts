import { afterEach, beforeEach, expect, it } from 'vitest';
import { Mirror } from '../../src/queue/mirror.ts';
import type { QueueMessage } from '../../src/queue/queue-message.ts';
import { messageOf, QueuePlatform, turn } from '../support/queue-platform.ts';

let redis: QueuePlatform;
let mirror: Mirror;
let news: [seq: number, missed: boolean][];
beforeEach(async () => {
  redis = new QueuePlatform();
  news = [];
  mirror = new Mirror(redis.platform, 'a queue', ({ seq }, missed) => news.push([seq, missed]));
  const opened = mirror.open();
  await redis.giveSnapshot(messageOf({ seq: 10, tails: { 0: 20 }, gone: { 0: [4] } }));
  await opened;
});
afterEach(() => mirror.close());

const next = (seq: number, parts: Partial<QueueMessage> = {}): QueueMessage =>
  messageOf({ seq, tails: { 0: 20 }, ...parts });

function place(number: number): number {
  if (!mirror.latest) throw new Error('nothing is known');
  return mirror.position(mirror.latest, '0', number);
}

it('messages in sequence move places without a question to Redis', () => {
  expect([place(3), place(5)]).toEqual([3, 4]);
  redis.publish(next(11, { heads: { 0: 2 }, gone: { 0: [7, 1] } }));
  redis.publish(next(12, { heads: { 0: 4 } }));
  expect([place(4), place(5), place(6), place(8)]).toEqual([0, 1, 2, 3]);
  expect(news).toEqual([
    ...[[10, true]],
    ...[
      [11, false],
      [12, false],
    ],
  ]);
  expect(redis.snapshots).toHaveLength(0);
});

it('a message heard twice, or one that the snapshot contains already, counts once', () => {
  redis.publish(next(10, { gone: { 0: [2] } }));
  redis.publish(next(11, { gone: { 0: [3] } }));
  redis.publish(next(11, { gone: { 0: [3, 1] } }));
  expect(place(6)).toBe(4);
  expect(news).toHaveLength(2);
});

it.each([
  ['a gap in the sequence', { seq: 12 }],
  ['another epoch', { seq: 11, epoch: 'two' }],
  ['a message that could not carry everything', { seq: 11, resync: true }],
])(
  '%s makes the mirror ask for everything again, and say that something may have been missed',
  async (_name, parts) => {
    redis.publish(next(11, parts));
    await redis.giveSnapshot(next(12, { gone: { 0: [1, 2] }, epoch: 'two' }));
    expect(place(5)).toBe(3);
    expect(news).toEqual([
      [10, true],
      [12, true],
    ]);
  },
);

it('a message that comes while everything is read again is taken in behind the snapshot', async () => {
  redis.publish(next(12));
  redis.publish(next(13, { gone: { 0: [9] } }));
  redis.publish(next(14, { gone: { 0: [1] } }));
  await redis.giveSnapshot(next(13, { gone: { 0: [4, 9] } }));
  expect([place(5), place(10)]).toEqual([3, 7]);
  expect(news.slice(1)).toEqual([
    [13, true],
    [14, false],
  ]);
});

it.each([
  ['that could not carry everything', next(13, { resync: true })],
  ['behind a gap', next(14)],
])('a message %s, come while everything is read again, makes the mirror ask once more', async (_name, message) => {
  redis.publish(next(12));
  redis.publish(message);
  await redis.giveSnapshot(next(12, { gone: { 0: [4] } }));
  await redis.giveSnapshot(next(14, { gone: { 0: [1, 2, 3] } }));
  expect(mirror.latest?.seq).toBe(14);
  expect(place(5)).toBe(2);
  expect(news.slice(1).every(([, missed]) => missed)).toBe(true);
});

it('a closed mirror hears nothing and asks nothing', async () => {
  mirror.close();
  redis.publish(next(11));
  redis.publish(next(20));
  await turn();
  expect(news).toEqual([[10, true]]);
  expect(redis.snapshots).toHaveLength(0);
});
