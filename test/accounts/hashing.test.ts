import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Asker, hashInTurn, type Sort } from '../../src/accounts/hashing.ts';
import type { Platform } from '../../src/platform/platform.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout'] }));
afterEach(() => void vi.useRealTimers());

/** Lets the moment pass after which who is refused is told so. */
async function letRefusalsBeTold(): Promise<void> {
  vi.advanceTimersByTime(1_000);
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

it('names of one address take turns too, and the one that came last is first', async () => {
  const bench = new Bench();
  bench.askAll(Array.from({ length: 40 }, () => 'victim'));
  bench.askAll(names('flood', 100));
  bench.ask('ada');
  await bench.endSome(1);
  expect(bench.begun).toEqual(['victim', 'ada']);
  await bench.endSome(100);
  expect(bench.begun.filter((name) => name === 'victim')).toHaveLength(1);
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

it('of one sort at most 200 wait: of the address with most of them who came first is refused, and no other', async () => {
  const bench = new Bench();
  bench.ask('first');
  bench.ask('ada', { address: '203.0.113.2' });
  bench.askAll(names('flood', 300), { address: '203.0.113.1' });
  await letRefusalsBeTold();
  expect(bench.refused).toHaveLength(101);
  expect(bench.refused[0]).toEqual({ name: 'flood 0', code: 'RATE_LIMITED' });
  await bench.endSome(201);
  expect(bench.begun).toContain('ada');
  expect(new Set(bench.begun).size).toBe(201);
});

it('of one name at most 50 wait, and one that nobody waits for makes room', async () => {
  const bench = new Bench();
  let gone = false;
  bench.ask('first');
  bench.ask('victim', { isGone: () => gone });
  bench.askAll(Array.from({ length: 50 }, () => 'victim'));
  await letRefusalsBeTold();
  expect(bench.refused).toEqual([{ name: 'victim', code: 'RATE_LIMITED' }]);
  gone = true;
  bench.ask('victim');
  await letRefusalsBeTold();
  expect(bench.refused).toHaveLength(2);
  expect(bench.refused[1]?.code).toBe('SERVICE_UNAVAILABLE');
});
