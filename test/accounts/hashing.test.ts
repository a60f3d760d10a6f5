import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Asker, hashInTurn, type Sort } from '../../src/accounts/hashing.ts';
import type { Platform } from '../../src/platform/platform.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

/** Lets the moment pass after which who is refused is told so. */
async function letRefusalsBeTold(): Promise<void> {
  vi.advanceTimersByTime(3_000);
  await turn();
}

interface Options {
  readonly sort?: Sort;
  readonly address?: string | null;
  readonly isGone?: () => boolean;
}

/** One process that hashes one password at a time, each as long as the test wants. */
class Bench {
  readonly #platform = { config: { HASHES_AT_ONCE: 1 } } as unknown as Platform;
  /** Names in the order in which their hashes began. */
  readonly begun: string[] = [];
  readonly refused: { name: string; code: string }[] = [];
  #end: () => void = () => undefined;

  ask(name: string, { sort = 'KNOWN_NAME', address = null, isGone = () => false }: Options = {}): void {
    const asker: Asker = { sort, name, client: { address, isGone } };
    const hash = () =>
      new Promise<void>((resolve) => {
        this.begun.push(name);
        this.#end = resolve;
      });
    hashInTurn(this.#platform, asker, hash).catch((error) => this.refused.push({ name, code: error.extensions.code }));
  }

  askAll(names: readonly string[], options: Options = {}): void {
    for (const name of names) this.ask(name, options);
  }

  /** Ends the hash under way, so that the next begins, `count` times. */
  async endSome(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      this.#end();
      await turn();
    }
  }
}

function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix} ${i}`);
}

it('no more hashes run at once than HASHES_AT_ONCE, and every one that waits has its turn', async () => {
  const bench = new Bench();
  bench.askAll(['ada', 'bob', 'cyd']);
  expect(bench.begun).toEqual(['ada']);
  await bench.endSome(3);
  expect(bench.begun.toSorted()).toEqual(['ada', 'bob', 'cyd']);
  expect(bench.refused).toEqual([]);
});

it('who has an account is next, however many guess names and sign up', async () => {
  const bench = new Bench();
  bench.askAll(names('guess', 150), { sort: 'UNKNOWN_NAME' });
  bench.askAll(names('new', 150), { sort: 'NEW_NAME' });
  bench.ask('ada');
  await bench.endSome(3);
  expect(bench.begun).toContain('ada');
});

it('addresses take turns: a flood from one leaves another its own', async () => {
  const bench = new Bench();
  bench.askAll(names('flood', 150), { address: '203.0.113.1' });
  bench.ask('ada', { address: '203.0.113.2' });
  await bench.endSome(2);
  expect(bench.begun).toContain('ada');
});

it.each<[string, (i: number) => string | null]>([
  ['many addresses', (i) => `203.0.113.${i}`],
  ['one address', () => '203.0.113.1'],
  ['loopback', () => null],
])('a name has one turn: guesses of it from %s leave other names theirs', async (_from, addressOf) => {
  const bench = new Bench();
  for (let i = 0; i < 100; i++) bench.ask('victim', { address: addressOf(i) });
  const others = names('other', 20);
  bench.askAll(others.slice(0, 10), { address: '198.51.100.7' });
  bench.askAll(others.slice(10), { address: null });
  for (let i = 100; i < 150; i++) bench.ask('victim', { address: addressOf(i) });
  await bench.endSome(20);
  // Those behind one address take turns with the one guess that waits for the next turn of the name.
  expect(bench.begun.filter((name) => name === 'victim').length).toBeLessThanOrEqual(12);
  await bench.endSome(11);
  expect(bench.begun).toEqual(expect.arrayContaining(others));
});

it('an address has one turn, whatever names it asks for, also after names of other addresses had theirs', async () => {
  const bench = new Bench();
  bench.ask('ada', { address: '203.0.113.2' });
  bench.askAll(names('flood', 150), { address: '203.0.113.1' });
  await bench.endSome(3);
  bench.ask('ada', { address: '203.0.113.2' });
  await bench.endSome(1);
  expect(bench.begun.at(-1), 'a second try is before names that had no turn, of an address that had').toBe('ada');
});

it('of several that had no turn the one that came last is first', async () => {
  const bench = new Bench();
  bench.askAll(names('flood', 100));
  bench.ask('ada');
  await bench.endSome(1);
  expect(bench.begun).toEqual(['flood 0', 'ada']);
});

it('what nobody waits for is not hashed', async () => {
  const bench = new Bench();
  let gone = false;
  bench.ask('ada');
  bench.askAll(names('gone', 100), { isGone: () => gone });
  bench.ask('bob');
  gone = true;
  await bench.endSome(3);
  expect(bench.begun).toEqual(['ada', 'bob']);
  expect(bench.refused).toHaveLength(100);
});

describe('of one sort at most 200 wait: of more is refused who came first', () => {
  it('of the name for which most wait, though one address has more', async () => {
    const bench = new Bench();
    bench.ask('first');
    const hall = names('person', 120);
    bench.askAll(hall, { address: '203.0.113.1' });
    for (let i = 0; i < 100; i++) bench.ask('victim', { address: `198.51.100.${i}` });
    await letRefusalsBeTold();
    expect(bench.refused).toEqual(Array.from({ length: 20 }, () => ({ name: 'victim', code: 'RATE_LIMITED' })));
    await bench.endSome(201);
    expect(bench.begun).toEqual(expect.arrayContaining(hall));
  });

  it('of the address where most wait, where names have equally many', async () => {
    const bench = new Bench();
    bench.ask('first');
    bench.ask('ada', { address: '203.0.113.2' });
    const flood = names('flood', 300);
    bench.askAll(flood, { address: '203.0.113.1' });
    await letRefusalsBeTold();
    const refused = bench.refused.toSorted((one, other) => flood.indexOf(one.name) - flood.indexOf(other.name));
    expect(refused).toEqual(flood.slice(0, 101).map((name) => ({ name, code: 'RATE_LIMITED' })));
    await bench.endSome(201);
    expect(new Set(bench.begun)).toEqual(new Set(['first', 'ada', ...flood.slice(101)]));
  });

  it('and told so 2 s to 3 s later, not all at once', async () => {
    const bench = new Bench();
    bench.askAll(names('flood', 241));
    vi.advanceTimersByTime(1_999);
    await turn();
    expect(bench.refused).toEqual([]);
    vi.advanceTimersByTime(501);
    await turn();
    const { length } = bench.refused;
    expect(length).toBeGreaterThan(0);
    expect(length).toBeLessThan(40);
    vi.advanceTimersByTime(500);
    await turn();
    expect(bench.refused).toHaveLength(40);
  });

  it('and told so at once where the request ends before that', async () => {
    const bench = new Bench();
    bench.askAll(names('early', 201));
    vi.advanceTimersByTime(29_500);
    bench.ask('late');
    vi.advanceTimersByTime(1);
    await turn();
    expect(bench.refused).toEqual([{ name: 'early 1', code: 'RATE_LIMITED' }]);
  });

  it('but of those for whom nobody waits first', async () => {
    const bench = new Bench();
    let gone = false;
    bench.ask('first');
    bench.ask('left', { isGone: () => gone });
    bench.askAll(names('flood', 199));
    gone = true;
    bench.ask('ada');
    await letRefusalsBeTold();
    expect(bench.refused).toEqual([{ name: 'left', code: 'SERVICE_UNAVAILABLE' }]);
  });
});
