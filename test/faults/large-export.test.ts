import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, makeShow } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import { addPayments, bodyOf, exportConnections, exportLink, open } from '../support/exports.ts';
import { World } from '../support/world.ts';

const ROWS = 150_000;
/** The file has 44 MB. */
const MAX_GROWTH_MIB = 35;

let world: World;
let operator: Buyer;
let url: string;
let showId: string;
let buyer: Buyer;
beforeAll(async () => {
  // Rubbish is put away before it counts as growth.
  const env = { NODE_OPTIONS: '--max-old-space-size=256 --max-semi-space-size=4' };
  world = await World.open({ processes: 1, env });
  url = world.urls[0] as string;
  operator = await world.operator();
  buyer = await world.buyer();
  showId = (await makeShow(operator)).id;
  await addPayments(world.pool, ROWS, showId, buyer.id);
}, 120_000);
afterAll(() => world.close());

async function fetchAll(filter: object = {}): Promise<IncomingMessage> {
  return open(url, (await exportLink(operator, filter)).url);
}

async function residentMiB(): Promise<number> {
  const status = await readFile(`/proc/${world.processes[0]?.child.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

const linesOf = (text: string): number => text.split('\r\n').length - 1;

it('150,000 rows of one snapshot arrive whole, in bounded memory, whatever is sold meanwhile', async () => {
  await bodyOf(await fetchAll({ userId: operator.id }));
  const before = await residentMiB();
  let most = before;
  const response = await fetchAll();
  expect(response.statusCode).toBe(200);
  await addPayments(world.pool, 1_000, showId, buyer.id);
  let text = '';
  let chunks = 0;
  for await (const chunk of response.setEncoding('utf8')) {
    text += chunk;
    if (++chunks % 50 === 0) most = Math.max(most, await residentMiB());
  }
  most = Math.max(most, await residentMiB());
  expect(linesOf(text)).toBe(1 + ROWS);
  const ids = new Set(text.split('\r\n').map((line) => line.slice(0, 36)));
  expect(ids.size).toBe(1 + ROWS + 1);
  expect(text.length).toBeGreaterThan(30_000_000);
  expect(most - before).toBeLessThan(MAX_GROWTH_MIB);
  expect(linesOf(await bodyOf(await fetchAll()))).toBe(1 + ROWS + 1_000);
}, 120_000);

it('a show is found by its reservations as well', async () => {
  expect(linesOf(await bodyOf(await fetchAll({ showId })))).toBe(1 + ROWS + 1_000);
}, 60_000);

it('a third file at once is put off, and its link works later', async () => {
  const first = await fetchAll();
  const second = await fetchAll();
  const { url: link } = await exportLink(operator);
  const third = await open(url, link);
  expect([third.statusCode, third.headers['retry-after']]).toEqual([503, '5']);
  third.resume();
  expect(await exportConnections(world.pool)).toBe(2);
  first.destroy();
  await eventually(async () => (await exportConnections(world.pool)) === 1);
  await eventually(async () => {
    const again = await open(url, link);
    again.destroy();
    return again.statusCode === 200;
  });
  second.destroy();
  await eventually(async () => (await exportConnections(world.pool)) === 0);
}, 60_000);

it('a reader that stops reading is cut off, and one that leaves ends the work for it', async () => {
  const before = await residentMiB();
  const stalled = await fetchAll();
  stalled.pause();
  const broken = new Promise((resolve) => stalled.once('error', resolve).once('aborted', resolve));
  expect(await exportConnections(world.pool)).toBe(1);
  await eventually(async () => (await exportConnections(world.pool)) === 0, 40_000);
  expect((await residentMiB()) - before).toBeLessThan(MAX_GROWTH_MIB);
  stalled.resume();
  await broken;
  expect(stalled.complete).toBe(false);
}, 60_000);

it('a file whose connection to PostgreSQL ends breaks off, and does not look whole', async () => {
  const response = await fetchAll();
  await world.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and application_name = 'onsale-alone'`,
  );
  await expect(bodyOf(response)).rejects.toThrow();
  expect(response.complete).toBe(false);
  await eventually(() => world.processes[0]?.log().includes('an export broke off') ?? false);
  expect(linesOf(await bodyOf(await fetchAll({ userId: operator.id })))).toBe(1);
}, 60_000);

it('a process that is told to end does not wait for a reader that stands still', async () => {
  const response = await fetchAll();
  response.pause();
  response.on('error', () => undefined);
  const started = world.processes[0];
  await started?.stop();
  expect(started?.child.exitCode).toBe(0);
  await eventually(async () => (await exportConnections(world.pool)) === 0);
}, 60_000);
