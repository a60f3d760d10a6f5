import { Child } from '../load/child.ts';
import type { Row } from '../load/row.ts';
import { Servers } from '../load/servers.ts';
import { type FullHouse, makeHouses } from './buyers.ts';
import { buy } from './purchases.ts';

const ROUNDS = 7;
const PER_ROUND = 1_600;
const WARM = 3_200;

/** Something that a purchase pays for, and a preload of test/support that leaves it out. */
interface Cost {
  readonly of: string;
  readonly preload: string;
  readonly must: number;
  readonly goal: number;
}

/** What events cost a purchase. */
export function measureEvents(): Promise<Row[]> {
  return measureCost({ of: 'events', preload: 'without-outbox.ts', must: 0.95, goal: 0.98 });
}

/** What the lock of the show costs, which a purchase shares. */
export function measureShowLock(): Promise<Row[]> {
  return measureCost({ of: "the show's lock", preload: 'without-shared-locks.ts', must: 0.97, goal: 0.99 });
}

/** Seats held and paid for a second, in turns with a process that leaves something out. */
async function measureCost(cost: Cost): Promise<Row[]> {
  const without = new URL(`../../test/support/${cost.preload}`, import.meta.url).href;
  const all = [await Servers.open(1), await Servers.open(1, { NODE_OPTIONS: `--import ${without}` })];
  const generator = new Child('./http-load.child.ts');
  try {
    const houses: FullHouse[] = [];
    for (const servers of all) houses.push(await makeHouses(servers, WARM + ROUNDS * PER_ROUND));
    const secondsOf = async (index: number, from: number, count: number): Promise<number> => {
      const url = (all[index] as Servers).url;
      const [reserved, paid] = await buy(generator, url, houses[index] as FullHouse, from, count);
      return count / reserved + count / paid;
    };
    for (const index of all.keys()) await secondsOf(index, 0, WARM);
    const rounds: [number, number][] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const from = WARM + round * PER_ROUND;
      // The one that comes second finds the machine warmer: they take turns in being first.
      const order = round % 2 === 0 ? [0, 1] : [1, 0];
      const seconds: number[] = [];
      for (const index of order) seconds[index] = await secondsOf(index, from, PER_ROUND);
      rounds.push(seconds as [number, number]);
    }
    return [rowOf(cost, rounds)];
  } finally {
    await Promise.all([generator.end(), ...all.map((servers) => servers.close())]);
  }
}

function rowOf({ of, must, goal }: Cost, rounds: readonly [number, number][]): Row {
  const middle = rounds.toSorted(([a, b], [c, d]) => a / b - c / d)[Math.floor(ROUNDS / 2)];
  const [ours = 1, theirs = 1] = middle ?? [];
  return {
    promise: `purchases (reserve and pay) a second over HTTP, with ${of}`,
    yardstick: `the same without ${of}`,
    measured: Math.round(PER_ROUND / ours).toLocaleString('en'),
    against: Math.round(PER_ROUND / theirs).toLocaleString('en'),
    ...{ ratio: theirs / ours, must, goal, unit: 'x', wanted: 'more' },
  };
}
