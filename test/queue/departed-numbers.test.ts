import { describe, expect, it } from 'vitest';
import { DepartedNumbers } from '../../src/queue/replica/lanes.ts';
import { randomFrom } from '../support/random.ts';

describe('DepartedNumbers', () => {
  it.each([1, 2, 3, 4, 5])('counts like a naive list after every random change (seed %i)', (seed) => {
    const random = randomFrom(seed);
    const departed = new DepartedNumbers();
    let naive: number[] = [];
    let head = 0;
    for (let round = 0; round < 200; round++) {
      const added = Array.from({ length: random(random(4) === 0 ? 60 : 4) }, () => head + 1 + random(100));
      departed.add(added);
      naive = [...new Set([...naive, ...added])];
      if (random(3) === 0) {
        head += random(40);
        departed.dropUpTo(head);
        naive = naive.filter((number) => number > head);
      }
      expect(departed.size).toBe(naive.length);
      for (let number = head - 2; number <= head + 105; number += 1 + random(5)) {
        expect(departed.countUpTo(number)).toBe(naive.filter((each) => each <= number).length);
      }
    }
    expect(head).toBeGreaterThan(100);
  });

  it('counts a number once, however often and together with whatever numbers it is added', () => {
    const departed = new DepartedNumbers();
    departed.add([5, 3, 5]);
    departed.add([3]);
    departed.add([4, 3, 9, 9]);
    departed.add([]);
    expect(departed.size).toBe(4);
    expect([2, 3, 4, 5, 8, 9].map((number) => departed.countUpTo(number))).toEqual([0, 1, 2, 3, 3, 4]);
  });

  it('adds many at once, before, between and behind those that it has', () => {
    const departed = new DepartedNumbers();
    const every = (first: number): number[] => Array.from({ length: 100_000 }, (_, index) => 3 * index + first);
    for (const numbers of [every(2), every(300_001), every(1).toReversed()]) departed.add(numbers);
    expect(departed.size).toBe(300_000);
    expect([0, 1, 2, 3, 4, 300_000, 300_001, 300_002, 600_000].map((number) => departed.countUpTo(number))).toEqual([
      ...[0, 1, 2, 2, 3],
      ...[200_000, 200_001, 200_001, 300_000],
    ]);
  });

  it('removes what is at most the head, and nothing above it', () => {
    const departed = new DepartedNumbers();
    departed.add([1, 2, 10]);
    departed.dropUpTo(0);
    expect(departed.size).toBe(3);
    departed.dropUpTo(2);
    expect(departed.size).toBe(1);
    expect(departed.countUpTo(9)).toBe(0);
    departed.dropUpTo(1_000);
    expect(departed.size).toBe(0);
  });
});
