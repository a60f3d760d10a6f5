import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, makeQueue, makeShow, pay, reserve } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import {
  activeIn,
  follow,
  hears,
  inside,
  leave,
  line,
  look,
  type Place,
  positions,
  runOut,
  statsOf,
  statuses,
  until,
  watchActive,
} from '../support/places.ts';
import { World } from '../support/world.ts';

/** The product promises a second; the machine of the tests may be busy. */
const A_SECOND = 3_000;

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

describe.each([1, 2])('with %i processes', (processes) => {
  const buyers = async (count: number, balance = 0): Promise<Buyer[]> =>
    (await world.buyers(count, balance)).map((buyer, index) => buyer.at(world.urls[index % processes] as string));

  /** A queue of capacity 3 with 20 entered, of whom the first 3 are ACTIVE. */
  async function twenty(): Promise<{ queueId: string; places: Place[] }> {
    const queueId = await makeQueue(operator, { capacity: 3 });
    const places = await line(await buyers(20), queueId);
    await eventually(async () => (await activeIn(world, queueId)) === 3);
    return { queueId, places };
  }

  it('of 20 who entered the first 3 are ACTIVE, and the others wait at 1 to 17 in order', async () => {
    const { places } = await twenty();

    expect(await statuses(places)).toEqual([...Array(3).fill('ACTIVE'), ...Array(17).fill('WAITING')]);
    expect(await positions(places.slice(3))).toEqual(Array.from({ length: 17 }, (_, i) => i + 1));
    expect(await look(places[0] as Place)).toMatchObject({ position: null, percentBehind: null, endReason: null });
  });

  it('never more than 3 are ACTIVE while people pay, leave and run out of time, and all are served in order', async () => {
    const queueId = await makeQueue(operator, { capacity: 3 });
    const show = await makeShow(operator, {}, queueId);
    const stop = watchActive(world, queueId);
    const places = await line(await buyers(20, 1_000), queueId);

    await Promise.all(
      places.map(async (place, index) => {
        await until(place, 'ACTIVE', 60_000);
        if (index % 3 === 0) {
          const { id } = await reserve(inside(place), show.id, [show.seats[index] as string]);
          expect(await pay(inside(place), id)).toMatchObject({ status: 'COMPLETED' });
        } else if (index % 3 === 1) await leave(place);
        else await runOut(world, [place]);
      }),
    );

    const { most, looks } = await stop();
    expect(looks).toBeGreaterThan(100);
    expect(most).toBe(3);
    const admittedAt = (await Promise.all(places.map(look))).map(({ activatedAt }) => activatedAt);
    expect(admittedAt).toEqual(admittedAt.toSorted());
    await eventually(async () => (await statuses(places)).every((status) => status !== 'ACTIVE'));
    expect(await statsOf(operator, queueId)).toMatchObject({
      ...{ entered: 20, admitted: 20, waiting: 0, active: 0 },
      ...{ completed: 7, left: 7, expired: 6 },
    });
  });

  it('when one leaves, the next by order is admitted within a second, hears it, and the others move up by one', async () => {
    const { queueId, places } = await twenty();
    const feeds = places.slice(3).map(follow);
    await Promise.all(feeds.map((feed, index) => hears(feed, 'position', index + 1)));

    await leave(places[1] as Place);

    const heard = await hears(feeds[0] as (typeof feeds)[0], 'status', 'ACTIVE', A_SECOND);
    expect(heard.queuePosition).toMatchObject({ position: null, value: places[3]?.value, endReason: null });
    expect(Date.parse(heard.queuePosition.activeUntil)).toBeGreaterThan(Date.now());
    await Promise.all(feeds.slice(1).map((feed, index) => hears(feed, 'position', index + 1, A_SECOND)));
    expect(await statuses(places.slice(0, 5))).toEqual(['ACTIVE', 'LEFT', 'ACTIVE', 'ACTIVE', 'WAITING']);
    expect(await positions(places.slice(4))).toEqual(Array.from({ length: 16 }, (_, i) => i + 1));
    for (const feed of feeds.slice(1)) {
      const told = feed.events.map(({ queuePosition }) => queuePosition.position);
      expect(told).toEqual(told.toSorted((a, b) => b - a));
    }
    expect(await activeIn(world, queueId)).toBe(3);
    await Promise.all(feeds.map((feed) => feed.close()));
  });

  it('when one runs out of time, the next by order is admitted within a second and hears it', async () => {
    const { queueId, places } = await twenty();
    const [next, second] = [follow(places[3] as Place), follow(places[4] as Place)];
    await Promise.all([hears(next, 'position', 1), hears(second, 'position', 2)]);

    await runOut(world, [places[0] as Place]);

    await hears(next, 'status', 'ACTIVE', A_SECOND);
    await hears(second, 'position', 1, A_SECOND);
    expect(await look(places[0] as Place)).toMatchObject({ status: 'EXPIRED', endReason: 'ACTIVE_TIME_OVER' });
    expect(await statuses(places.slice(1, 6))).toEqual(['ACTIVE', 'ACTIVE', 'ACTIVE', 'WAITING', 'WAITING']);
    expect(second.events.some(({ queuePosition }) => queuePosition.status !== 'WAITING')).toBe(false);
    expect(await activeIn(world, queueId)).toBe(3);
    await Promise.all([next.close(), second.close()]);
  });

  it('one who leaves from the middle moves those behind up by one, nobody ahead, and admits nobody', async () => {
    const { queueId, places } = await twenty();
    const feeds = places.slice(3).map(follow);
    await Promise.all(feeds.map((feed, index) => hears(feed, 'position', index + 1)));

    expect(await leave(places[10] as Place)).toMatchObject({ status: 'LEFT', position: null, endReason: 'LEFT' });

    const after = Array.from({ length: 16 }, (_, i) => i + 1);
    const waiting = places.slice(3).filter((place) => place !== places[10]);
    expect(await positions(waiting)).toEqual(after);
    await Promise.all(feeds.slice(8).map((feed, index) => hears(feed, 'position', index + 8, A_SECOND)));
    for (const [index, feed] of feeds.slice(0, 7).entries()) {
      expect(new Set(feed.events.map(({ queuePosition }) => queuePosition.position))).toEqual(new Set([index + 1]));
    }
    expect(await statsOf(operator, queueId)).toMatchObject({ admitted: 3, active: 3, waiting: 16, left: 1 });
    await Promise.all(feeds.map((feed) => feed.close()));
  });
});
