import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enter, eventually, makeQueue, type QueueInput } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import {
  follow,
  hears,
  leave,
  line,
  look,
  type Place,
  pause,
  statsOf,
  statuses,
  until,
  update,
} from '../support/places.ts';
import { areKept, areSeen, elsewhere, passAway, seenAt } from '../support/presence.ts';
import { World } from '../support/world.ts';

const AWAY_SECONDS = 4;
const LONG_AGO = 3 * AWAY_SECONDS * 1_000;
const AWAY = { status: 'EXPIRED', endReason: 'AWAY', position: null, activatedAt: null };

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

/** A queue that admits nobody yet, with so many places in it whose presence is kept. */
async function waitingRoom(
  count: number,
  input: Partial<QueueInput> = {},
): Promise<{ queueId: string; places: Place[] }> {
  const queueId = await makeQueue(operator, { capacity: 0, awaySeconds: AWAY_SECONDS, ...input });
  const places = await line(await world.buyers(count), queueId);
  await areKept(world, places);
  return { queueId, places };
}

describe('when the turn comes', () => {
  it('who neither polled nor was subscribed is EXPIRED as AWAY, never ACTIVE, and who did is admitted', async () => {
    const { queueId, places } = await waitingRoom(6);
    const [gone, poller, watcher, farPoller, farWatcher, alsoGone] = places as [
      Place,
      Place,
      Place,
      Place,
      Place,
      Place,
    ];
    const feeds = [watcher, elsewhere(world, farWatcher)].map(follow);
    const there = [poller, watcher, farPoller, farWatcher];
    await Promise.all(feeds.map((feed) => hears(feed, 'status', 'WAITING')));

    const since = await passAway(world, queueId, LONG_AGO);
    await Promise.all([look(poller), look(elsewhere(world, farPoller))]);
    await areSeen(world, there, since);
    await update(operator, queueId, { capacity: 6 });

    await Promise.all([until(poller, 'ACTIVE'), until(farPoller, 'ACTIVE')]);
    await Promise.all(feeds.map((feed) => hears(feed, 'status', 'ACTIVE')));
    for (const place of [gone, elsewhere(world, alsoGone)]) expect(await look(place)).toMatchObject(AWAY);
    expect(await statsOf(operator, queueId)).toMatchObject({ admitted: 4, active: 4, expired: 2, waiting: 0, left: 0 });
    await Promise.all(feeds.map((feed) => feed.close()));
  });

  it('nobody is passed over while nobody has a turn, and those behind move up by whoever is passed over', async () => {
    const { queueId, places } = await waitingRoom(4);
    const feed = follow(places[3]!);
    await hears(feed, 'position', 4);

    const since = await passAway(world, queueId, LONG_AGO);
    await areSeen(world, [places[3]!], since);
    await pause(800);
    expect(await statsOf(operator, queueId)).toMatchObject({ waiting: 4, expired: 0 });

    await look(places[2]!);
    await areSeen(world, [places[2]!], since);
    await update(operator, queueId, { capacity: 1 });
    await hears(feed, 'position', 1);
    expect(await statuses(places)).toEqual(['EXPIRED', 'EXPIRED', 'ACTIVE', 'WAITING']);
    expect(await statsOf(operator, queueId)).toMatchObject({ admitted: 1, expired: 2, waiting: 1 });
    await feed.close();
  });

  it('who was passed over may enter again, at the back, and has one live place', async () => {
    const { queueId, places } = await waitingRoom(2);
    await passAway(world, queueId, LONG_AGO);
    await update(operator, queueId, { capacity: 1 });
    await eventually(async () => (await statsOf(operator, queueId)).expired === 2);
    expect(await statuses(places)).toEqual(['EXPIRED', 'EXPIRED']);
    await update(operator, queueId, { capacity: 0 });

    const again = await enter(places[0]!.buyer, queueId);
    expect(again).toMatchObject({ status: 'WAITING', position: 1 });
    expect(again.value).not.toBe(places[0]!.value);
    expect((await enter(elsewhere(world, places[0]!).buyer, queueId)).value).toBe(again.value);
  });
});

it('no time passes for anybody while the queue is PAUSED', async () => {
  const { queueId, places } = await waitingRoom(2, { awaySeconds: 1 });
  await update(operator, queueId, { state: 'PAUSED', capacity: 2 });
  await pause(2_500);
  await update(operator, queueId, { state: 'OPEN' });
  await Promise.all(places.map((place) => until(place, 'ACTIVE')));
  expect(await statsOf(operator, queueId)).toMatchObject({ expired: 0, admitted: 2 });
});

it('one who was seen late in the time that is kept does not have to come again before it is over', async () => {
  const { queueId, places } = await waitingRoom(1);
  const since = await passAway(world, queueId, LONG_AGO);
  await look(places[0]!);
  await areSeen(world, places, since);
  await passAway(world, queueId, (AWAY_SECONDS - 2) * 1_000);
  await update(operator, queueId, { capacity: 1 });
  await until(places[0]!, 'ACTIVE');
});

it.each([1, 2])(
  'with awaySeconds %i a subscriber is always there, and so is who polls as told',
  async (awaySeconds) => {
    const { queueId, places } = await waitingRoom(3, { awaySeconds });
    const [gone, watcher, poller] = places as [Place, Place, Place];
    const feed = follow(watcher);
    for (const end = Date.now() + 1_000 * (awaySeconds + 3); Date.now() < end; ) {
      const { pollAfterMs } = await look(poller);
      await pause(pollAfterMs);
    }
    await update(operator, queueId, { capacity: 3 });
    await hears(feed, 'status', 'ACTIVE');
    await until(poller, 'ACTIVE');
    expect(await look(gone)).toMatchObject(AWAY);
    await feed.close();
  },
);

it('everybody counts as seen when a SCHEDULED queue opens, however long ago they entered', async () => {
  const opensAt = new Date(Date.now() + 4_000);
  const input = { capacity: 3, awaySeconds: 1, opensAt } as QueueInput;
  const queueId = await makeQueue(operator, input);
  const places = await line(await world.buyers(3), queueId);
  await pause(2_500);
  await Promise.all(places.map((place) => until(place, 'ACTIVE')));
  expect(await statsOf(operator, queueId)).toMatchObject({ admitted: 3, expired: 0 });
});

it('what is kept of presence goes with the places', async () => {
  const { queueId, places } = await waitingRoom(4);
  await leave(places[1]!);
  await update(operator, queueId, { capacity: 4 });
  await until(places[3]!, 'ACTIVE');
  expect(await world.redis.exists(`{q:${queueId}}:seen:0`)).toBe(0);
  expect(await seenAt(world, places[1]!)).toBeNull();
});
