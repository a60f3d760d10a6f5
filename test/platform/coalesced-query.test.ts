import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { CoalescedQuery } from '../../src/platform/coalesced-query.ts';

it('callers that come one in each turn of the loop, each after the last query has ended, share queries all the same', async () => {
  const queries = new CoalescedQuery<number>();
  let begun = 0;
  const answers: Promise<number>[] = [];
  for (let i = 0; i < 50; i++) {
    answers.push(queries.run('a map', async () => ++begun));
    await nextTurn();
  }
  await Promise.all(answers);
  expect(begun).toBeLessThan(10);
});

it('no caller receives an answer that was begun before it asked', async () => {
  const queries = new CoalescedQuery<number>();
  let version = 0;
  const asked: Promise<void>[] = [];
  for (let i = 0; i < 100; i++) {
    const now = ++version;
    asked.push(queries.run('a map', async () => version).then((seen) => expect(seen).toBeGreaterThanOrEqual(now)));
    await sleep(Math.random() * 4);
  }
  await Promise.all(asked);
});

it('a single caller never waits for others, and a query that fails fails only those who share it', async () => {
  const queries = new CoalescedQuery<string>();
  await expect(queries.run('a map', () => Promise.reject(new Error('away')))).rejects.toThrow('away');
  await sleep(50);
  let begun = false;
  const answer = queries.run('a map', async () => {
    begun = true;
    return 'a map';
  });
  expect(begun).toBe(true);
  expect(await answer).toBe('a map');
});
