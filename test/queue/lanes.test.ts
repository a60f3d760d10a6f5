import { afterAll, beforeAll, expect, it } from 'vitest';
import { enter, eventually, makeQueue } from '../support/builders.ts';
import type { Buyer, Feed } from '../support/client.ts';
import { enterWith, issue } from '../support/codes.ts';
import {
  follow,
  hears,
  leave,
  look,
  type Place,
  pause,
  positions,
  runOut,
  statsOf,
  until,
  update,
} from '../support/places.ts';
import { randomFrom } from '../support/random.ts';
import { World } from '../support/world.ts';

const SOME_TICKS = 800;

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

/** Enters as a new buyer, with a code of that priority unless it is 0. */
async function comeTo(queueId: string, priority: number): Promise<Place> {
  const buyer = (await world.buyers(2))[priority % 2] as Buyer;
  const code = priority > 0 ? ((await issue(operator, queueId, priority))[0] as string) : null;
  return { buyer, value: (await enterWith(buyer, queueId, code)).value };
}

/** Presents a code of that priority for a place. */
async function present(place: Place, queueId: string, priority: number) {
  const [code] = (await issue(operator, queueId, priority)) as [string];
  return enterWith(place.buyer, queueId, code);
}

it('lanes are served from 9 down to those without a code, each in the order of entry', async () => {
  const queueId = await makeQueue(operator, { capacity: 0 });
  const priorities = [0, 5, 9, 0, 1, 5, 9, 2, 0];
  const places: Place[] = [];
  for (const priority of priorities) places.push(await comeTo(queueId, priority));
  const order = [2, 6, 1, 5, 7, 4, 0, 3, 8].map((index) => places[index] as Place);

  await eventually(async () => (await positions(order)).every((position, index) => position === index + 1));
  for (let admitted = 1; admitted <= order.length; admitted++) {
    await update(operator, queueId, { capacity: admitted });
    await until(order[admitted - 1] as Place, 'ACTIVE');
    const behind = Array.from({ length: order.length - admitted }, (_, i) => i + 1);
    expect(await positions(order.slice(admitted))).toEqual(behind);
  }
});

it('a WAITING user with a code moves up under the same value; whom it passes goes back by one, others stay', async () => {
  const queueId = await makeQueue(operator, { capacity: 0 });
  const high = [await comeTo(queueId, 5), await comeTo(queueId, 5)];
  const low = [];
  for (let i = 0; i < 5; i++) low.push(await comeTo(queueId, 0));
  const feeds = [...high, ...low].map(follow);
  await Promise.all(feeds.map((feed, index) => hears(feed, 'position', index + 1)));

  const moved = await present(low[3]!, queueId, 5);
  expect(moved).toMatchObject({ value: low[3]!.value, status: 'WAITING', position: 3, waiting: 7 });

  await Promise.all([hears(feeds[5]!, 'position', 3), ...[2, 3, 4].map((i) => hears(feeds[i]!, 'position', i + 2))]);
  await pause(SOME_TICKS);
  const heard = feeds.map((feed) => [...new Set(feed.events.map(({ queuePosition }) => queuePosition.position))]);
  expect(heard).toEqual([[1], [2], [3, 4], [4, 5], [5, 6], [6, 3], [7]]);
  for (const url of world.urls) {
    const there = [...high, low[3]!, low[0]!, low[1]!, low[2]!, low[4]!].map((p) => ({ ...p, buyer: p.buyer.at(url) }));
    await eventually(async () => (await positions(there)).every((position, index) => position === index + 1));
  }
  expect(await statsOf(operator, queueId)).toMatchObject({ entered: 7, waiting: 7, left: 0, expired: 0 });
  await Promise.all(feeds.map((feed) => feed.close()));
});

it('a code of the same or a lower priority, and entering without one, changes nothing', async () => {
  const queueId = await makeQueue(operator, { capacity: 0 });
  const places = [await comeTo(queueId, 5), await comeTo(queueId, 5), await comeTo(queueId, 0)];
  for (const priority of [5, 3]) {
    expect(await present(places[0]!, queueId, priority)).toMatchObject({ value: places[0]!.value, position: 1 });
  }
  expect(await enter(places[0]!.buyer, queueId)).toMatchObject({ value: places[0]!.value, position: 1 });
  await pause(SOME_TICKS);
  expect(await positions(places)).toEqual([1, 2, 3]);
});

it('an ACTIVE user who presents a code stays ACTIVE', async () => {
  const queueId = await makeQueue(operator, { capacity: 1 });
  const place = await comeTo(queueId, 0);
  await until(place, 'ACTIVE');
  const before = await look(place);
  expect(await present(place, queueId, 9)).toMatchObject({
    ...{ value: place.value, status: 'ACTIVE', position: null, activeUntil: before.activeUntil },
  });
  expect(await statsOf(operator, queueId)).toMatchObject({ entered: 1, active: 1, waiting: 0, admitted: 1 });
});

it('a place that re-enters goes to the back of its own lane', async () => {
  const queueId = await makeQueue(operator, { capacity: 1, reenter: true });
  const first = await comeTo(queueId, 4);
  await until(first, 'ACTIVE');
  await update(operator, queueId, { capacity: 0 });
  const others = [await comeTo(queueId, 4), await comeTo(queueId, 0)];

  await runOut(world, [first]);

  await until(first, 'WAITING');
  await eventually(async () => (await look(others[1]!)).position === 3);
  expect(await positions([others[0]!, first, others[1]!])).toEqual([1, 2, 3]);
});

/** Whether the numbers never go up. */
const neverUp = (numbers: number[]): boolean => numbers.every((n, i) => i === 0 || n <= (numbers[i - 1] as number));

it('through random coming, leaving, moving up and letting in, nobody hears of a later place except by a higher lane', async () => {
  const random = randomFrom(3);
  const queueId = await makeQueue(operator, { capacity: 0 });
  const top: { place: Place; feed: Feed }[] = [];
  const rest: { place: Place; feed: Feed; passedBy: number }[] = [];
  for (let i = 0; i < 6; i++) {
    const place = await comeTo(queueId, 9);
    top.push({ place, feed: follow(place) });
  }
  const movers: Place[] = [];
  let capacity = 0;
  for (let step = 0; step < 60; step++) {
    const dice = random(10);
    if (dice < 3) {
      const place = await comeTo(queueId, 0);
      rest.push({ place, feed: follow(place), passedBy: 0 });
    } else if (dice < 5) {
      const place = await comeTo(queueId, 9);
      top.push({ place, feed: follow(place) });
      for (const each of rest) each.passedBy += 1;
    } else if (dice < 7 && rest.length > 0) {
      const [mover] = rest.splice(random(rest.length), 1);
      await present(mover!.place, queueId, 9);
      await mover!.feed.close();
      movers.push(mover!.place);
      for (const each of rest) each.passedBy += 1;
    } else if (dice < 9) {
      const from = random(2) === 0 && rest.length > 0 ? rest : top;
      const [leaver] = from.splice(random(from.length), 1);
      if (leaver) await Promise.all([leave(leaver.place), leaver.feed.ended]);
    } else await update(operator, queueId, { capacity: ++capacity });
  }
  await pause(SOME_TICKS);

  const heard = ({ feed }: { feed: Feed }): number[] =>
    feed.events.map(({ queuePosition }) => queuePosition.position ?? 0);
  for (const each of top) expect(heard(each)).toSatisfy(neverUp);
  for (const each of rest) {
    const rises = heard(each).map((place, i, all) => (i === 0 ? 0 : Math.max(0, place - (all[i - 1] as number))));
    expect(rises.reduce((sum, rise) => sum + rise, 0)).toBeLessThanOrEqual(each.passedBy);
  }
  expect(top.length + rest.length).toBeGreaterThan(10);
  const told = await positions([...movers, ...[...top, ...rest].map(({ place }) => place)]);
  const waiting = told.filter((position) => position !== null).toSorted((a, b) => a - b);
  expect(waiting).toEqual(waiting.map((_position, index) => index + 1));
  await Promise.all([...top, ...rest].map(({ feed }) => feed.close()));
});
