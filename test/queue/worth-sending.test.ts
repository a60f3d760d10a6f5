import { expect, it } from 'vitest';
import { isWorthSending as isWorthSendingWithin, newHeartbeatMs } from '../../src/queue/replica/known-token.ts';

const isWorthSending = (told: number | null, position: number | null, sinceMs: number): boolean =>
  isWorthSendingWithin(told, position, sinceMs, 10_000);

it('a first position is worth sending', () => {
  expect(isWorthSending(null, 1, 0)).toBe(true);
  expect(isWorthSending(null, 100_000, 0)).toBe(true);
});

it('the first 100 positions are sent at every change, and not twice the same', () => {
  for (const position of [1, 50, 100]) {
    expect(isWorthSending(position + 1, position, 0)).toBe(true);
    expect(isWorthSending(position, position, 1_999)).toBe(false);
    expect(isWorthSending(position, position, 9_999)).toBe(false);
  }
  expect(isWorthSending(5_000, 100, 0)).toBe(true);
});

it.each([
  [110, 101, 9],
  [150, 141, 9],
  [200, 191, 9],
  [1_000, 951, 49],
  [100_000, 95_001, 4_999],
])('from %i to %i, %i places, is not worth sending before 10 s have passed', (told, position, places) => {
  expect(told - position).toBe(places);
  expect(isWorthSending(told, position, 2_000)).toBe(false);
  expect(isWorthSending(told, position, 9_999)).toBe(false);
  expect(isWorthSending(told, position, 10_000)).toBe(true);
});

it.each([
  [111, 101],
  [200, 190],
  [1_000, 950],
  [100_000, 95_000],
])('from %i to %i is worth sending when 2 s have passed since the last, and not before', (told, position) => {
  expect(isWorthSending(told, position, 0)).toBe(false);
  expect(isWorthSending(told, position, 1_999)).toBe(false);
  expect(isWorthSending(told, position, 2_000)).toBe(true);
});

it('a position that moved back, as after re-entering, is judged by the distance', () => {
  expect(isWorthSending(101, 5_000, 2_000)).toBe(true);
  expect(isWorthSending(5_000, 5_004, 2_000)).toBe(false);
});

it('every subscriber is sent a position every 10 s, also one that did not move', () => {
  expect(isWorthSending(1, 1, 10_000)).toBe(true);
  expect(isWorthSending(70_000, 70_000, 10_000)).toBe(true);
});

it('before the queue has opened there is no position, and a message is sent every 10 s all the same', () => {
  expect(isWorthSending(null, null, 9_999)).toBe(false);
  expect(isWorthSending(null, null, 10_000)).toBe(true);
  expect(isWorthSending(null, 70_000, 0)).toBe(true);
});

it('judged at least every 1.2 s, every heartbeat comes within 10 s, and not all at the same time', () => {
  const gaps = Array.from({ length: 1_000 }, newHeartbeatMs);
  expect(Math.max(...gaps)).toBeLessThan(8_100);
  expect(Math.max(...gaps) - Math.min(...gaps)).toBeGreaterThan(1_000);
});
