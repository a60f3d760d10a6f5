import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newSecret, tokenValueOf } from '../../src/queue/queue-token.ts';
import type { Buyer } from '../support/client.ts';
import { type DrawnQueue, makeDrawn } from '../support/drawn-queue.ts';
import { expectedOrder, makeScheduled, openNow, publicIdOf, type Shuffle, shuffleOf } from '../support/openings.ts';
import { line } from '../support/places.ts';
import { freePort } from '../support/redis-server.ts';
import { tamper } from '../support/tampering.ts';
import { run, verify } from '../support/verify.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
let url: string;
let queue: DrawnQueue;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  operator = await world.operator();
  url = world.urls[0] as string;
  queue = await makeDrawn(world, operator);
});
afterAll(() => world.close());

const swapped = ([a, b, ...rest]: string[]): string[] => [b as string, a as string, ...rest];

it('accepts the order of a real opening, with the commitment noted before it', async () => {
  for (const noted of [[], ['--commitment', queue.commitment], [`--commitment=${queue.commitment.toUpperCase()}`]]) {
    const { code, out, err } = await verify(url, queue.id, ...noted);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('OK: all 15 entrants stand in the order that the seed makes');
    expect(out).toContain('priority 4: 3 drawn');
    expect(out).toContain('priority 0: 12 drawn');
    expect(out).not.toContain('WRONG');
  }
});

it("finds a holder's own place in its lane, and says who was not drawn", async () => {
  const [low, high] = await Promise.all([shuffleOf(url, queue.id), shuffleOf(url, queue.id, { priority: 4 })]);
  const { code, out } = await verify(
    url,
    queue.id,
    ...[queue.plain[3]!, queue.coded[1]!, queue.leaver, queue.late].map(({ value }) => value),
  );
  expect(code).toBe(0);
  expect(out).toContain(`priority 0, place ${low.order.indexOf(publicIdOf(queue.plain[3]!)) + 1} of 12`);
  expect(out).toContain(`priority 4, place ${high.order.indexOf(publicIdOf(queue.coded[1]!)) + 1} of 3`);
  for (const place of [queue.leaver, queue.late]) expect(out).toContain(`${publicIdOf(place)} was not drawn`);
});

it('sends no token value to the server', async () => {
  const between = await tamper(url, () => ({}));
  const { code } = await verify(between.url, queue.id, queue.plain[0]!.value);
  between.close();
  expect(code).toBe(0);
  expect(between.heard.length).toBeGreaterThan(0);
  expect(between.heard.join()).not.toContain(queue.plain[0]!.value);
});

it('reads an order of more than one page', async () => {
  const id = await makeScheduled(operator);
  const values = Array.from({ length: 12_345 }, () => tokenValueOf(id, newSecret()));
  const { rows } = await world.pool.query('select seed from queue_shuffle where queue_id = $1', [id]);
  const order = expectedOrder(
    rows[0].seed.toString('hex'),
    values.map((value) => publicIdOf({ value })),
  );
  for (let part = 0; part * 1_000 < order.length; part++) {
    const ids = Buffer.from(order.slice(part * 1_000, (part + 1) * 1_000).join(''), 'hex');
    await world.pool.query('insert into queue_shuffle_part values ($1, 0, $2, $3)', [id, part, ids]);
  }
  await world.pool.query('update queue_shuffle set entrants = $2, drawn_at = now() where queue_id = $1', [
    id,
    order.length,
  ]);
  expect((await shuffleOf(url, id, { first: 2_500, offset: 9_700 })).order).toEqual(order.slice(9_700, 12_200));

  const value = values[77] as string;
  const { code, out } = await verify(url, id, value);
  expect(out).toContain('OK: all 12345 entrants');
  expect(out).toContain(`place ${order.indexOf(publicIdOf({ value })) + 1} of 12345`);
  expect(code).toBe(0);
});

it('docs/fairness.md has a program that says the same by hand', async () => {
  const id = await makeScheduled(operator);
  await line(await world.buyers(6), id);
  await openNow(operator, id);
  const text = /```js\n(.*?)```/s.exec(await readFile('docs/fairness.md', 'utf8'))?.[1] ?? '';
  const folder = await mkdtemp(join(tmpdir(), 'onsale-by-hand-'));
  const program = join(folder, 'by-hand.mjs');
  await writeFile(program, text);
  const byHand = async (at: string): Promise<string> => (await run(program, at, id)).out.trim();
  expect(await byHand(url)).toBe('true');
  const changes = [({ order }: Shuffle) => ({ order: swapped(order) }), () => ({ commitment: 'ab'.repeat(32) })];
  for (const change of changes) {
    const tampering = await tamper(url, change);
    expect(await byHand(tampering.url)).toBe('false');
    tampering.close();
  }
  await rm(folder, { recursive: true });
});

it('exits with 2 and says why when there is nothing to verify', async () => {
  const closed = `http://127.0.0.1:${await freePort()}/graphql`;
  const cases: [string[], RegExp][] = [
    [[], /usage:/],
    [[url], /usage:/],
    [['no url', queue.id], /usage:/],
    [[url, queue.id, '--commit', queue.commitment], /usage:/],
    [[closed, queue.id], /cannot be reached/],
    [[url.replace('/graphql', '/nothing'), queue.id], /answered 4\d\d|answered: /],
    [[url, 'no id'], /answered: /],
    [[url, '0198c0de-0000-7000-8000-000000000000'], /unknown, or was never scheduled/],
    [[url, await makeScheduled(operator)], /has not opened yet/],
  ];
  for (const [args, said] of cases) {
    const { code, err, out } = await verify(...args);
    expect({ args, code }).toEqual({ args, code: 2 });
    expect(err).toMatch(said);
    expect(out).not.toMatch(/OK|WRONG/);
  }
});
