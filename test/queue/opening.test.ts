import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../support/builders.ts';
import { type Buyer } from '../support/client.ts';
import {
  codesOf,
  drawn,
  enterWith,
  expectedOrder,
  makeScheduled,
  openNow,
  publicIdOf,
  shuffleOf,
} from '../support/openings.ts';
import {
  activeIn,
  follow,
  hears,
  leave,
  line,
  look,
  type Place,
  pause,
  positions,
  statsOf,
  statuses,
} from '../support/places.ts';
import { World } from '../support/world.ts';

const SOME_TICKS = 800;

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

const url = (index = 0): string => world.urls[index % world.urls.length] as string;

/** The places in the order drawn. */
function inOrder(places: Place[], order: string[]): Place[] {
  return order.map((id) => places.find((place) => publicIdOf(place) === id) as Place);
}

it('comes by itself at opensAt, in the order that the seed prescribes, and lets people in from its front', async () => {
  const queueId = await makeScheduled(operator, 2_000, { capacity: 2 });
  const places = await line(await world.buyers(12), queueId);
  const feeds = places.map(follow);
  await Promise.all(feeds.map((feed) => hears(feed, 'position', null)));
  expect(await activeIn(world, queueId)).toBe(0);

  const { seed, order, entrants } = await drawn(url(), queueId, 8_000);

  expect(entrants).toBe(12);
  expect(order).toEqual(expectedOrder(seed as string, places.map(publicIdOf)));
  const sorted = inOrder(places, order);
  await eventually(async () => (await activeIn(world, queueId)) === 2);
  expect(await statuses(sorted.slice(0, 2))).toEqual(['ACTIVE', 'ACTIVE']);
  expect(await positions(sorted.slice(2))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  for (const [index, place] of sorted.entries()) {
    const feed = feeds[places.indexOf(place)]!;
    if (index < 2) await hears(feed, 'status', 'ACTIVE');
    else await hears(feed, 'position', index - 1);
    const said = feed.events.map(({ queuePosition }) => queuePosition.position);
    for (const position of said) expect([null, index - 1, index, index + 1]).toContain(position);
  }
  expect((await operator.get('query ($id: ID!) { queue(id: $id) { state } }', { id: queueId })).queue.state).toBe(
    'OPEN',
  );
  await Promise.all(feeds.map((feed) => feed.close()));
});

it.each([1, 2])(
  'by the operator draws at once, and every one of %i processes agrees on every place',
  async (processes) => {
    const queueId = await makeScheduled(operator);
    const places = await line(await world.buyers(30), queueId);
    const before = Date.now();

    expect(await openNow(operator, queueId)).toMatchObject({ state: 'OPEN' });

    const { opensAt } = (await operator.get('query ($id: ID!) { queue(id: $id) { opensAt } }', { id: queueId })).queue;
    expect(Math.abs(Date.parse(opensAt) - before)).toBeLessThan(5_000);
    const { seed, order } = await shuffleOf(url(), queueId);
    expect(order).toEqual(expectedOrder(seed as string, places.map(publicIdOf)));
    const sorted = inOrder(places, order);
    const expected = sorted.map((_place, index) => index + 1);
    for (let i = 0; i < processes; i++) {
      const there = sorted.map(({ buyer, value }) => ({ buyer: buyer.at(url(i)), value }));
      expect(await positions(there)).toEqual(expected);
      await pause(SOME_TICKS);
      expect(await positions(there)).toEqual(expected);
      const feeds = there.map(follow);
      await Promise.all(feeds.map((feed, index) => hears(feed, 'position', index + 1)));
      await Promise.all(feeds.map((feed) => feed.close()));
    }
    expect(await statsOf(operator, queueId)).toMatchObject({ entered: 30, waiting: 30, active: 0, left: 0 });
  },
);

it('leaves out who left or was sent away before it, and puts behind everybody who comes after it', async () => {
  const queueId = await makeScheduled(operator);
  const places = await line(await world.buyers(9), queueId);
  await leave(places[2]!);
  const revoke = 'mutation ($q: ID!, $u: ID!) { revokeToken(queueId: $q, userId: $u) { status endReason } }';
  const revoked = (await operator.get(revoke, { q: queueId, u: places[8]!.buyer.id })).revokeToken;
  expect(revoked).toEqual({ status: 'EXPIRED', endReason: 'REVOKED' });
  const there = places.filter((_place, index) => index !== 2 && index !== 8);
  expect(await shuffleOf(url(), queueId)).toMatchObject({ entrants: 7 });

  await openNow(operator, queueId);
  const late = await line([places[2]!.buyer, await world.buyer()], queueId);

  const { order, entrants, seed } = await shuffleOf(url(), queueId);
  expect(entrants).toBe(7);
  expect(order).toEqual(expectedOrder(seed as string, there.map(publicIdOf)));
  expect(await positions([...inOrder(there, order), ...late])).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(await look(places[2]!)).toMatchObject({ status: 'LEFT', endReason: 'LEFT' });
  expect(await statsOf(operator, queueId)).toMatchObject({ entered: 11, left: 1, expired: 1, waiting: 9 });
});

it('draws each lane for itself, and who shows a code meanwhile is drawn in its lane with the same token', async () => {
  const queueId = await makeScheduled(operator);
  const high = await codesOf(operator, queueId, 7, 6);
  const [low] = (await codesOf(operator, queueId, 2, 1)) as [string];
  const buyers = await world.buyers(16);
  const plain = await line(buyers.slice(0, 10), queueId);
  const coded = await Promise.all(buyers.slice(10, 15).map((buyer, i) => enterWith(buyer, queueId, high[i] as string)));
  const one = await enterWith(buyers[15] as Buyer, queueId, low);
  const moved = await enterWith(plain[4]!.buyer, queueId, high[5] as string);
  expect(moved.value).toBe(plain[4]!.value);
  expect(await look(moved)).toMatchObject({ status: 'WAITING', position: null, waiting: 16 });

  await openNow(operator, queueId);

  const lanes = [[...coded, moved], [one], plain.filter((_place, index) => index !== 4)];
  const all = lanes.flat().map(publicIdOf);
  const sorted: Place[] = [];
  for (const [index, priority] of [7, 2, 0].entries()) {
    const { order, seed, entrants } = await shuffleOf(url(index), queueId, { priority });
    expect(entrants).toBe(16);
    expect(order).toEqual(expectedOrder(seed as string, lanes[index]!.map(publicIdOf), all));
    sorted.push(...inOrder(lanes[index]!, order));
  }
  expect(await positions(sorted)).toEqual(sorted.map((_place, index) => index + 1));
  expect((await shuffleOf(url(), queueId, { priority: 3 })).order).toEqual([]);
});

it('opens a queue with nobody in it too, whose shuffle is then empty', async () => {
  const queueId = await makeScheduled(operator, 1_200, { capacity: 1 });
  const { seed, commitment } = await drawn(url(), queueId, 8_000);
  expect(await shuffleOf(url(), queueId)).toMatchObject({ entrants: 0, order: [] });
  expect(
    createHash('sha256')
      .update(Buffer.from(seed as string, 'hex'))
      .digest('hex'),
  ).toBe(commitment);
  const [place] = (await line(await world.buyers(1), queueId)) as [Place];
  await eventually(async () => (await look(place)).status === 'ACTIVE');
});
