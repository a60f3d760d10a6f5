import { expect, it } from 'vitest';
import { isWorthSending as isWorthSendingWithin, newHeartbeatMs } from '../../src/queue/replica/known-token.ts';

const isWorthSending = (told: number | null, position: number | null, sinceMs: number): boolean =>
  isWorthSendingWithin(told, position, sinceMs, 10_000);

it('a place that was never told is news', () => {
  expect(isWorthSending(null, 1, 0)).toBe(true);
  expect(isWorthSending(null, 100_000, 0)).toBe(true);
});

it('the first 100 hear of every change at once, and not twice of the same place', () => {
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
])('from %i to %i, %i places, is no news before 10 s have passed', (told, position, places) => {
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
])('from %i to %i is news when 2 s have passed since the last, and not before', (told, position) => {
  expect(isWorthSending(told, position, 0)).toBe(false);
  expect(isWorthSending(told, position, 1_999)).toBe(false);
  expect(isWorthSending(told, position, 2_000)).toBe(true);
});

it('a place that moved back, as after re-entering, is judged by how far', () => {
  expect(isWorthSending(101, 5_000, 2_000)).toBe(true);
  expect(isWorthSending(5_000, 5_004, 2_000)).toBe(false);
});

it('everybody hears something every 10 s, also who did not move', () => {
  expect(isWorthSending(1, 1, 10_000)).toBe(true);
  expect(isWorthSending(70_000, 70_000, 10_000)).toBe(true);
});

it('before the queue has opened there is no place to tell, but somebody is told all the same from time to time', () => {
  expect(isWorthSending(null, null, 9_999)).toBe(false);
  expect(isWorthSending(null, null, 10_000)).toBe(true);
  expect(isWorthSending(null, 70_000, 0)).toBe(true);
});

it('judged at least every 1.2 s, nobody hears nothing for 10 s, and not everybody is told at the same time', () => {
  const gaps = Array.from({ length: 1_000 }, newHeartbeatMs);
  expect(Math.max(...gaps)).toBeLessThan(8_100);
  expect(Math.max(...gaps) - Math.min(...gaps)).toBeGreaterThan(1_000);
});
