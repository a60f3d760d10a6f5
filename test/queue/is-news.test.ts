import { expect, it } from 'vitest';
import { isNews as isNewsWithin, newGapMs } from '../../src/queue/is-news.ts';

const isNews = (told: number | null, position: number | null, sinceMs: number): boolean =>
  isNewsWithin(told, position, sinceMs, 10_000);

it('a place that was never told is news', () => {
  expect(isNews(null, 1, 0)).toBe(true);
  expect(isNews(null, 100_000, 0)).toBe(true);
});

it('the first 100 hear of every change at once, and not twice of the same place', () => {
  for (const position of [1, 50, 100]) {
    expect(isNews(position + 1, position, 0)).toBe(true);
    expect(isNews(position, position, 1_999)).toBe(false);
    expect(isNews(position, position, 9_999)).toBe(false);
  }
  expect(isNews(5_000, 100, 0)).toBe(true);
});

it.each([
  [110, 101, 9],
  [150, 141, 9],
  [200, 191, 9],
  [1_000, 951, 49],
  [100_000, 95_001, 4_999],
])('from %i to %i, %i places, is no news before 10 s have passed', (told, position, places) => {
  expect(told - position).toBe(places);
  expect(isNews(told, position, 2_000)).toBe(false);
  expect(isNews(told, position, 9_999)).toBe(false);
  expect(isNews(told, position, 10_000)).toBe(true);
});

it.each([
  [111, 101],
  [200, 190],
  [1_000, 950],
  [100_000, 95_000],
])('from %i to %i is news when 2 s have passed since the last, and not before', (told, position) => {
  expect(isNews(told, position, 0)).toBe(false);
  expect(isNews(told, position, 1_999)).toBe(false);
  expect(isNews(told, position, 2_000)).toBe(true);
});

it('a place that moved back, as after re-entering, is judged by how far', () => {
  expect(isNews(101, 5_000, 2_000)).toBe(true);
  expect(isNews(5_000, 5_004, 2_000)).toBe(false);
});

it('everybody hears something every 10 s, also who did not move', () => {
  expect(isNews(1, 1, 10_000)).toBe(true);
  expect(isNews(70_000, 70_000, 10_000)).toBe(true);
});

it('before the queue has opened there is no place to tell, but somebody is told all the same from time to time', () => {
  expect(isNews(null, null, 9_999)).toBe(false);
  expect(isNews(null, null, 10_000)).toBe(true);
  expect(isNews(null, 70_000, 0)).toBe(true);
});

it('judged at least every 1.2 s, nobody hears nothing for 10 s, and not everybody is told at the same time', () => {
  const gaps = Array.from({ length: 1_000 }, newGapMs);
  expect(Math.max(...gaps)).toBeLessThan(8_100);
  expect(Math.max(...gaps) - Math.min(...gaps)).toBeGreaterThan(1_000);
});
