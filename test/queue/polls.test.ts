import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadScript } from '../../src/platform/lua.ts';
import { eventually, makeQueue } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { enterWith, issue } from '../support/codes.ts';
import { follow, leave, line, look, type Place, pause, positions, update } from '../support/places.ts';
import { Stream } from '../support/stream.ts';
import { World } from '../support/world.ts';

const POLLS = 1_000;

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

const at = (place: Place, url: string): Place => ({ ...place, buyer: place.buyer.at(url) });

const scripts = new Map(
  ['tick', 'note-seen', 'note-reporter', 'read-tokens', 'snapshot'].map((name) => {
    const { text } = loadScript(new URL('../../src/queue/line/line.ts', import.meta.url).href, name);
    return [createHash('sha1').update(text).digest('hex'), name];
  }),
);

/** Counts, until it is stopped, the scripts that are asked for, by name. */
async function watchScripts(): Promise<() => Map<string, number>> {
  const asked = new Map<string, number>();
  const monitor = await world.redis.monitor();
  monitor.on('monitor', (_time: string, [command, sha]: string[]) => {
    if (!/^eval/i.test(command ?? '')) return;
    const name = scripts.get(sha ?? '') ?? 'another';
    asked.set(name, (asked.get(name) ?? 0) + 1);
  });
  return () => {
    monitor.disconnect();
    return asked;
  };
}

it('a thousand polls of places that wait, in a queue that ticks, ask Redis nothing', async () => {
  const queueId = await makeQueue(operator, { capacity: 0 });
  const places = await line(await world.buyers(20), queueId);
  await Promise.all(places.map(look));
  await pause(500);

  const stop = await watchScripts();
  for (let polls = 0; polls < POLLS; polls += places.length) {
    expect(await positions(places)).toEqual(places.map((_place, index) => index + 1));
  }
  const asked = stop();

  expect(asked.get('tick')).toBeGreaterThan(0);
  // A machine that stops for two seconds makes a process ask once more.
  expect(asked.get('read-tokens') ?? 0).toBeLessThan(POLLS / 20);
  expect(asked.get('another') ?? 0).toBeLessThan(POLLS / 20);
});

const WATCH = 'subscription ($token: ID!) { queuePosition(token: $token) { status position } }';

/** Every way in which a place is told, at one process; each answers the latest there is. */
const WAYS: [string, (place: Place) => Promise<{ now: () => Promise<Data>; stop: () => Promise<void> }>][] = [
  ['polling', async (place) => ({ now: () => look(place), stop: async () => undefined })],
  [
    'WebSocket',
    async (place) => {
      const feed = follow(place);
      await feed.until(() => true);
      return { now: async () => feed.events.at(-1).queuePosition, stop: () => feed.close() };
    },
  ],
  [
    'SSE',
    async ({ buyer, value }) => {
      const stream = await Stream.subscribe(buyer.url, buyer.accessToken, WATCH, { token: value });
      await stream.until(() => true);
      return { now: async () => stream.results.at(-1).data.queuePosition, stop: async () => stream.close() };
    },
  ],
];

describe('all ways to watch agree', () => {
  it(`on the places of the same people, on both processes: ${WAYS.map(([name]) => name).join(', ')}`, async () => {
    const queueId = await makeQueue(operator, { capacity: 0 });
    const places = await line(await world.buyers(12), queueId);
    const watched = places.slice(6);
    const views = await Promise.all(
      watched.flatMap((place) =>
        world.urls.flatMap((url) =>
          WAYS.map(async ([, watch]) => ({ value: place.value, ...(await watch(at(place, url))) })),
        ),
      ),
    );
    const live = [...places];
    for (const step of [1, 4, 0, 2]) {
      const [leaver] = live.splice(step, 1);
      await leave(leaver!);
      if (step === 4) await update(operator, queueId, { capacity: 1 });
      if (step === 4) live.shift();
      await eventually(async () => {
        const told = await Promise.all(views.map(async ({ value, now }) => [value, (await now()).position]));
        const still = told.filter(([value]) => live.some((place) => place.value === value));
        return still.every(([value, place]) => place === live.findIndex((each) => each.value === value) + 1);
      });
    }
    await Promise.all(views.map(({ stop }) => stop()));
  });
});

it('who left is counted at once by the other process too, before the next tick', async () => {
  const queueId = await makeQueue(operator, { capacity: 0 });
  const places = await line(await world.buyers(30), queueId);
  const watched = at(places[29]!, world.urls[1] as string);
  await eventually(async () => (await look(watched)).position === 30);
  await pause(300);
  const tickAt = (): Promise<string | null> => world.redis.hget(`{q:${queueId}}:meta`, 'tickAt');

  let counted = 0;
  for (let left = 1; left < 20; left++) {
    const before = await tickAt();
    await leave(places[left]!);
    await pause(20);
    const { position } = await look(watched);
    if ((await tickAt()) !== before) continue;
    expect(position).toBe(30 - left);
    counted += 1;
  }
  expect(counted).toBeGreaterThan(5);
});

it('while others leave and are let in, the places that polls tell only ever get better, to the exact one', async () => {
  const queueId = await makeQueue(operator, { capacity: 0 });
  const places = await line(await world.buyers(40), queueId);
  const [last] = places.slice(-1) as [Place];
  const told: number[][] = world.urls.map(() => []);
  let ended = false;
  const polling = world.urls.map(async (url, index) => {
    while (!ended) told[index]?.push((await look(at(last, url))).position);
  });
  for (const place of places.slice(0, 39).filter((_place, index) => index % 3 > 0)) await leave(place);
  await update(operator, queueId, { capacity: 5 });
  await eventually(async () => (await look(last)).position === 9);
  await pause(300);
  ended = true;
  await Promise.all(polling);
  for (const numbers of told) {
    expect(numbers).toEqual(numbers.toSorted((a, b) => b - a));
    expect(numbers.at(-1)).toBe(9);
    expect(new Set(numbers).size).toBeGreaterThan(5);
  }
});

it('one of a higher lane who enters and leaves at once never makes a place look better than it is', async () => {
  const queueId = await makeQueue(operator, { capacity: 0 });
  const places = await line(await world.buyers(4), queueId);
  const codes = await issue(operator, queueId, 5, 25);
  const told: number[] = [];
  let ended = false;
  const polling = world.urls.map(async (url) => {
    while (!ended) told.push((await look(at(places[3]!, url))).position);
  });
  for (const [index, buyer] of (await world.buyers(codes.length)).entries()) {
    const { value } = await enterWith(buyer, queueId, codes[index] as string);
    await leave({ buyer, value });
    await pause(20);
  }
  ended = true;
  await Promise.all(polling);
  expect(Math.min(...told)).toBe(4);
  await eventually(async () => (await positions(places)).join() === '1,2,3,4');
});
