import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawOrder } from '../../src/queue/draw/draw-order.ts';
import type { Buyer } from '../support/client.ts';
import { expectedOrder, makeScheduled, openNow, publicIdOf, shuffleOf } from '../support/openings.ts';
import { line } from '../support/places.ts';
import { World } from '../support/world.ts';

const idOf = (text: string): string => createHash('sha256').update(text).digest('hex');
const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => idOf(`entrant ${i}`));

/**
 * What chi-squared exceeds less than once in a hundred million times, by degrees of freedom: a quantile after Wilson and
 * Hilferty (1931), and a tenth on top. All comparisons of this file together fail without cause less than once in a million.
 */
function bound(freedom: number): number {
  const z = 5.3;
  const spread = 2 / (9 * freedom);
  return 1.1 * freedom * (1 - spread + z * Math.sqrt(spread)) ** 3;
}

/** Pearson's statistic of counts that should all be the same. */
function chiSquared(counts: number[]): number {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

/** How often each arrangement of `names` came. */
class Tally {
  readonly counts = new Map<string, number>();

  add(order: string[]): void {
    const key = order.join();
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
  }

  /** Counts of all `kinds` kinds, those that never came too. */
  all(kinds: number): number[] {
    const seen = [...this.counts.values()];
    return [...seen, ...Array.from({ length: kinds - seen.length }, () => 0)];
  }
}

describe('the order drawn', () => {
  // Reckoned once with Python's hashlib and hmac, by the words of the contract.
  it('of known entries under a known seed is the one reckoned by another program', async () => {
    const seed = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
    const lanes = new Map([
      ['5', ids(8).slice(5)],
      ['0', ids(8).slice(0, 5)],
    ]);
    const order = await drawOrder(seed, lanes);
    const numbers = (lane: string) => order.get(lane)?.map((id) => ids(8).indexOf(id));
    expect({ high: numbers('5'), low: numbers('0') }).toEqual({ high: [6, 7, 5], low: [1, 2, 0, 4, 3] });
  });

  it('follows from the seed and the entries alone, not from the order in which they came', async () => {
    const seed = randomBytes(32);
    const entries = ids(5_000);
    const order = await drawOrder(seed, new Map([['0', entries]]));
    const backwards = await drawOrder(seed, new Map([['0', [...entries].reverse()]]));
    expect(order).toEqual(backwards);
    expect(order.get('0')).toEqual(expectedOrder(seed.toString('hex'), entries));
    const [one, two] = [await drawOrder(randomBytes(32), new Map([['0', entries]])), order];
    expect(one).not.toEqual(two);
    const fewer = await drawOrder(seed, new Map([['0', entries.slice(1)]]));
    expect(fewer.get('0')).not.toEqual(order.get('0')?.filter((id) => id !== entries[0]));
  });

  it('is empty where nobody entered', async () => {
    expect(await drawOrder(randomBytes(32), new Map([['0', []]]))).toEqual(new Map([['0', []]]));
  });

  it('has every arrangement of four with the same frequency, and every place of twenty for each of them', async () => {
    const four = ids(4);
    const twenty = ids(20);
    const arrangements = new Tally();
    const places = Array.from({ length: 20 }, () => Array.from({ length: 20 }, () => 0));
    for (let i = 0; i < 4_800; i++) {
      arrangements.add((await drawOrder(randomBytes(32), new Map([['0', four]]))).get('0') as string[]);
      const order = (await drawOrder(randomBytes(32), new Map([['0', twenty]]))).get('0') as string[];
      for (const [place, id] of order.entries()) {
        const row = places[twenty.indexOf(id)] as number[];
        row[place] = (row[place] ?? 0) + 1;
      }
    }
    expect(chiSquared(arrangements.all(24))).toBeLessThan(bound(23));
    for (const row of places) expect(chiSquared(row)).toBeLessThan(bound(19));
  });

  it('has a test that notices a draw that comes out a third more often with one of four in front', () => {
    const counts = Array.from({ length: 24 }, (_, i) => (i < 6 ? 266 : 178));
    expect(chiSquared(counts)).toBeGreaterThan(bound(23));
  });
});

describe('through the front door', () => {
  let world: World;
  let operator: Buyer;
  beforeAll(async () => {
    world = await World.open({ processes: 1 });
    operator = await world.operator();
  });
  afterAll(() => world.close());

  it('many small openings give each of three who come in the same order every arrangement equally often', async () => {
    const OPENINGS = 180;
    const buyers = await world.buyers(3);
    const arrangements = new Tally();
    const open = async (): Promise<void> => {
      const queueId = await makeScheduled(operator);
      const places = await line(buyers, queueId);
      await openNow(operator, queueId);
      const { order } = await shuffleOf(world.urls[0] as string, queueId);
      arrangements.add(order.map((id) => String(places.findIndex((place) => publicIdOf(place) === id))));
    };
    for (let i = 0; i < OPENINGS; i += 6) await Promise.all(Array.from({ length: 6 }, open));

    const counts = arrangements.all(6);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(OPENINGS);
    for (const key of arrangements.counts.keys()) expect(key.split(',').sort()).toEqual(['0', '1', '2']);
    expect(chiSquared(counts)).toBeLessThan(bound(5));
  });
});
