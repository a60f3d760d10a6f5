import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Buyer } from '../support/client.ts';
import { type DrawnQueue, makeDrawn } from '../support/drawn-queue.ts';
import { expectedOrder, publicIdOf, type Shuffle } from '../support/openings.ts';
import { tamper } from '../support/tampering.ts';
import { verify } from '../support/verify.ts';
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

/** What the program says of the same draw told by somebody who changes it. */
async function verifyTampered(change: (shuffle: Shuffle, priority: number) => Partial<Shuffle>, ...args: string[]) {
  const tampering = await tamper(url, change);
  const outcome = await verify(tampering.url, queue.id, ...args);
  tampering.close();
  return outcome;
}

const swapped = ([a, b, ...rest]: string[]): string[] => [b as string, a as string, ...rest];

it.each<[string, (shuffle: Shuffle, priority: number) => Partial<Shuffle>, RegExp]>([
  [
    'two places swapped',
    ({ order }, p) => (p === 0 ? { order: swapped(order) } : {}),
    /priority 0: 2 of 12 stand .* place 1 on/,
  ],
  [
    'two places of a higher lane swapped',
    ({ order }, p) => (p === 4 ? { order: swapped(order) } : {}),
    /priority 4: 2 of 3 /,
  ],
  [
    'an entrant removed',
    ({ order }, p) => (p === 0 ? { order: order.slice(1) } : {}),
    /15 entrants are told, but the orders have 14/,
  ],
  [
    'an entrant removed and counted out',
    ({ order }, p) => ({ entrants: 14, order: p === 0 ? order.slice(1) : order }),
    /priority 0: \d+ of 11 stand where the seed does not put them/,
  ],
  [
    'an entrant there twice',
    ({ order }, p) => (p === 0 ? { order: [...order, order[0] as string], entrants: 16 } : { entrants: 16 }),
    /there twice/,
  ],
  [
    "a stranger in an entrant's place",
    ({ order }, p) => (p === 0 ? { order: [publicIdOf(queue.late), ...order.slice(1)] } : {}),
    /priority 0: \d+ of 12 stand where the seed does not put them/,
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
  const lanes = [queue.plain, queue.coded].map((places) => places.map(publicIdOf));
  const [low, high] = lanes.map((lane) => expectedOrder(foreign.seed, lane, lanes.flat()));
  const redrawn = new Map([
    [0, low],
    [4, high],
  ]);
  const change = (_shuffle: Shuffle, priority: number) => ({ ...foreign, order: redrawn.get(priority) ?? [] });

  expect((await verifyTampered(change)).code).toBe(0);
  const { code, out } = await verifyTampered(change, '--commitment', queue.commitment);
  expect(code).toBe(1);
  expect(out).toContain(`the commitment is ${foreign.commitment}, not the one that you noted`);
});
