import { beforeEach, expect, it } from 'vitest';
import type { QueueMessage } from '../../src/queue/line/line.ts';
import { readView, type TokenView } from '../../src/queue/queue-token.ts';
import { watchToken } from '../../src/queue/replica/queue-watch.ts';
import { messageOf, QueuePlatform, turn, waitingView } from '../support/queue-platform.ts';

const QUEUE = '01a1fcbd-1f9c-74d5-b9e5-708a607bfb17';

let redis: QueuePlatform;
let told: [status: string, position: number | null][];
let stop: () => void;

const scheduled = (seq: number, parts: Partial<QueueMessage> = {}): QueueMessage =>
  messageOf({ seq, at: 1_000 + seq, state: 'SCHEDULED', openAt: 5_000, tails: { 0: 9 }, waiting: 9, ...parts });

beforeEach(async () => {
  redis = new QueuePlatform();
  told = [];
  const tell = ({ token }: TokenView): number => told.push([token.status, token.position]);
  const view = readView(redis.platform, QUEUE, waitingView(3, -1, 1_000));
  const begun = watchToken(redis.platform, QUEUE, 'one', view, tell, () => undefined);
  await redis.giveSnapshot(scheduled(1, { at: 1_000 }));
  stop = await begun;
});

it('sealed entries wait without a read from Redis, and receive their position when the queue opens', async () => {
  redis.publish(scheduled(2, { heads: { 0: 9 }, tails: { 0: 18 } }));
  redis.publish(scheduled(3, { heads: { 0: 9 }, tails: { 0: 19 }, waiting: 10 }));
  await turn();
  expect(redis.looks).toHaveLength(0);
  expect(told).toEqual([['WAITING', null]]);

  redis.publish({ invalidates: '', at: 1_004 });
  await redis.giveSnapshot(messageOf({ epoch: 'two', seq: 4, at: 1_004, heads: { 0: 9 }, tails: { 0: 19 } }));
  await redis.giveView(waitingView(14, 5, 1_005));
  expect(told).toEqual([
    ['WAITING', null],
    ['WAITING', 5],
  ]);
  stop();
});

it('after a missed message each of them is read once, because its number cannot show who left', async () => {
  redis.publish(scheduled(2, { heads: { 0: 9 }, tails: { 0: 18 } }));
  redis.publish(scheduled(4, { heads: { 0: 9 }, tails: { 0: 18 }, waiting: 8 }));
  await redis.giveSnapshot(scheduled(4, { heads: { 0: 9 }, tails: { 0: 18 }, waiting: 8 }));
  expect(redis.looks).toHaveLength(1);
  const [secret, user, , ...rest] = waitingView(3, -1, 1_004);
  await redis.giveView([secret, user, 'L', ...rest]);
  expect(told.at(-1)).toEqual(['LEFT', null]);
  stop();
});
