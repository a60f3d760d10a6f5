import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newSecret, tokenValueOf } from '../../src/queue/queue-keys.ts';
import type { Buyer } from '../support/client.ts';
import {
  codesOf,
  enterWith,
  expectedOrder,
  makeScheduled,
  openNow,
  publicIdOf,
  type Shuffle,
  shuffleOf,
} from '../support/openings.ts';
import { leave, line, type Place } from '../support/places.ts';
import { freePort } from '../support/redis-server.ts';
import { tamper } from '../support/tampering.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
let url: string;
/** A drawn queue of ten plain entries and three with a code, one who left before, and one who came after. */
let queueId: string;
let commitment: string;
let plain: Place[];
let coded: Place[];
let leaver: Place;
let late: Place;

beforeAll(async () => {
  world = await World.open({ processes: 1 });
  operator = await world.operator();
  url = world.urls[0] as string;
  queueId = await makeScheduled(operator);
  const codes = await codesOf(operator, queueId, 4, 3);
  plain = await line(await world.buyers(10), queueId);
  coded = await Promise.all((await world.buyers(3)).map((buyer, i) => enterWith(buyer, queueId, codes[i] as string)));
  [leaver] = (await line(await world.buyers(1), queueId)) as [Place];
  await leave(leaver);
  commitment = (await shuffleOf(url, queueId)).commitment;
  await openNow(operator, queueId);
  [late] = (await line(await world.buyers(1), queueId)) as [Place];
});
afterAll(() => world.close());

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the program as a person would, with no word of the product in its environment. */
function verify(...args: string[]): Promise<Outcome> {
  const env = { PATH: process.env.PATH ?? '' };
  return new Promise((resolve) => {
    execFile(process.execPath, ['scripts/verify-shuffle.mjs', ...args], { env }, (error, out, err) => {
      resolve({ code: error ? Number(error.code) : 0, out, err });
    });
  });
}

/** What the program says of the same draw told by somebody who changes it. */
async function verifyTampered(change: (shuffle: Shuffle, priority: number) => Partial<Shuffle>, ...args: string[]) {
  const tampering = await tamper(url, change);
  const outcome = await verify(tampering.url, queueId, ...args);
  tampering.close();
  return outcome;
}

it('accepts the order of a real opening, with the commitment noted before it', async () => {
  for (const noted of [[], ['--commitment', commitment], [`--commitment=${commitment.toUpperCase()}`]]) {
    const { code, out, err } = await verify(url, queueId, ...noted);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('OK: all 13 entrants stand in the order that the seed makes');
    expect(out).toContain('priority 4: 3 drawn');
    expect(out).toContain('priority 0: 10 drawn');
    expect(out).not.toContain('WRONG');
  }
});

it("finds a holder's own place in its lane, and says who was not drawn", async () => {
  const [low, high] = await Promise.all([shuffleOf(url, queueId), shuffleOf(url, queueId, { priority: 4 })]);
  const { code, out } = await verify(url, queueId, ...[plain[3]!, coded[1]!, leaver, late].map(({ value }) => value));
  expect(code).toBe(0);
  expect(out).toContain(`priority 0, place ${low.order.indexOf(publicIdOf(plain[3]!)) + 1} of 10`);
  expect(out).toContain(`priority 4, place ${high.order.indexOf(publicIdOf(coded[1]!)) + 1} of 3`);
  for (const place of [leaver, late]) expect(out).toContain(`${publicIdOf(place)} was not drawn`);
});

it('sends no token value to the server', async () => {
  const between = await tamper(url, () => ({}));
  const { code } = await verify(between.url, queueId, plain[0]!.value);
  between.close();
  expect(code).toBe(0);
  expect(between.heard.length).toBeGreaterThan(0);
  expect(between.heard.join()).not.toContain(plain[0]!.value);
});

const swapped = ([a, b, ...rest]: string[]): string[] => [b as string, a as string, ...rest];

it.each<[string, (shuffle: Shuffle, priority: number) => Partial<Shuffle>, RegExp]>([
  [
    'two places swapped',
    ({ order }, p) => (p === 0 ? { order: swapped(order) } : {}),
    /priority 0: 2 of 10 stand .* place 1 on/,
  ],
  [
    'two places of a higher lane swapped',
    ({ order }, p) => (p === 4 ? { order: swapped(order) } : {}),
    /priority 4: 2 of 3 /,
  ],
  [
    'an entrant removed',
    ({ order }, p) => (p === 0 ? { order: order.slice(1) } : {}),
    /13 entrants are told, but the orders have 12/,
  ],
  [
    'an entrant removed and counted out',
    ({ order }, p) => ({ entrants: 12, order: p === 0 ? order.slice(1) : order }),
    /priority 0: \d+ of 9 stand where the seed does not put them/,
  ],
  [
    'an entrant there twice',
    ({ order }, p) => (p === 0 ? { order: [...order, order[0] as string], entrants: 14 } : { entrants: 14 }),
    /there twice/,
  ],
  [
    'an entrant in another lane',
    ({ order }, p) => (p === 0 ? { order: order.slice(1) } : p === 4 ? { order: [...order, publicIdOf(late)] } : {}),
    /priority \d/,
  ],
  ['a foreign seed', () => ({ seed: '00'.repeat(32) }), /the seed is not the one that was committed to/],
  ['a seed that is none', () => ({ seed: 'feed' }), /the seed is not 32 bytes/],
  ['another commitment', () => ({ commitment: 'ab'.repeat(32) }), /the seed is not the one that was committed to/],
])('rejects a draw told with %s', async (_name, change, said) => {
  const { code, out } = await verifyTampered(change);
  expect(code).toBe(1);
  expect(out).toMatch(said);
  expect(out).not.toContain('OK');
});

it('rejects a draw whose seed and commitment were both exchanged, for who noted the commitment', async () => {
  const seed = randomBytes(32);
  const foreign = { seed: seed.toString('hex'), commitment: createHash('sha256').update(seed).digest('hex') };
  const orders = async (): Promise<Map<number, string[]>> => {
    const lanes = [plain, coded].map((places) => places.map(publicIdOf));
    const drawn = lanes.map((lane) => expectedOrder(foreign.seed, lane, lanes.flat()));
    return new Map([0, 4].map((priority, index) => [priority, drawn[index] as string[]]));
  };
  const redrawn = await orders();
  const change = (_shuffle: Shuffle, priority: number) => ({ ...foreign, order: redrawn.get(priority) ?? [] });

  expect((await verifyTampered(change)).code).toBe(0);
  const { code, out } = await verifyTampered(change, '--commitment', commitment);
  expect(code).toBe(1);
  expect(out).toContain(`the commitment is ${foreign.commitment}, not the one that you noted`);
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

it('exits with 2 and says why when there is nothing to verify', async () => {
  const closed = `http://127.0.0.1:${await freePort()}/graphql`;
  const cases: [string[], RegExp][] = [
    [[], /usage:/],
    [[url], /usage:/],
    [['no url', queueId], /usage:/],
    [[url, queueId, '--commit', commitment], /usage:/],
    [[closed, queueId], /cannot be reached/],
    [[url.replace('/graphql', '/nothing'), queueId], /answered 4\d\d|answered: /],
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
