import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enter, makeQueue } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import { follow, hears, leave, line, look, type Place, positions, runOut, statsOf, until } from '../support/places.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

describe.each([1, 2])('with %i processes', (processes) => {
  const buyers = async (count: number): Promise<Buyer[]> =>
    (await world.buyers(count)).map((buyer, index) => buyer.at(world.urls[index % processes] as string));

  async function three(reenter: boolean): Promise<{ queueId: string; places: [Place, Place, Place] }> {
    const queueId = await makeQueue(operator, { capacity: 1, reenter });
    const places = (await line(await buyers(3), queueId)) as [Place, Place, Place];
    await until(places[0], 'ACTIVE');
    return { queueId, places };
  }

  it('a place that ran out goes to the back with the same value where the queue lets it re-enter', async () => {
    const { queueId, places } = await three(true);
    const [first, second, third] = places;
    const feed = follow(first);
    await hears(feed, 'status', 'ACTIVE');

    await runOut(world, [first]);

    const back = (await hears(feed, 'status', 'WAITING')).queuePosition;
    expect(back).toMatchObject({ value: first.value, endReason: null, activatedAt: null, activeUntil: null });
    await until(second, 'ACTIVE');
    expect(await positions([third, first])).toEqual([1, 2]);
    expect(await enter(first.buyer, queueId)).toMatchObject({ value: first.value, position: 2 });
    expect(await statsOf(operator, queueId)).toMatchObject({ entered: 3, expired: 0, left: 0, waiting: 2, active: 1 });
    await Promise.all([leave(second), leave(third)]);
    await feed.until(({ queuePosition }) => queuePosition.status === 'ACTIVE', undefined, 2);
    expect(await look(first)).toMatchObject({ status: 'ACTIVE', value: first.value });
    await feed.close();
  });

  it('a look at a place whose time is over finds it at the back at once, before any tick', async () => {
    const { queueId, places } = await three(true);
    const [first, , third] = places;

    await runOut(world, [first]);

    expect(await look(first)).toMatchObject({ status: 'WAITING', value: first.value });
    expect(await positions([third, first])).not.toContain(null);
    expect((await look(first)).position).toBeGreaterThan((await look(third)).position);
    expect(await statsOf(operator, queueId)).toMatchObject({ entered: 3, expired: 0 });
  });

  it('a place that ran out is EXPIRED where the queue does not let it re-enter, and its subscription ends', async () => {
    const { queueId, places } = await three(false);
    const [first, second, third] = places;
    const feed = follow(first);
    await hears(feed, 'status', 'ACTIVE');

    await runOut(world, [first]);

    expect(await feed.ended).toBeUndefined();
    const last = feed.events.at(-1).queuePosition;
    expect(last).toMatchObject({ status: 'EXPIRED', endReason: 'ACTIVE_TIME_OVER', position: null, activeUntil: null });
    await until(second, 'ACTIVE');
    expect(await positions([third])).toEqual([1]);
    expect(await statsOf(operator, queueId)).toMatchObject({ waiting: 1, active: 1, expired: 1, left: 0 });
  });

  it('a subscription ends after LEFT, also when the holder leaves at another process', async () => {
    const { places } = await three(false);
    const [, second, third] = places;
    const [feed, other] = [follow(second), follow(third)];
    await Promise.all([hears(feed, 'position', 1), hears(other, 'position', 2)]);

    await leave({ ...second, buyer: second.buyer.at(world.urls[0] as string) });

    expect(await feed.ended).toBeUndefined();
    expect(feed.events.at(-1).queuePosition).toMatchObject({ status: 'LEFT', endReason: 'LEFT' });
    await hears(other, 'position', 1);
    expect(other.events.some(({ queuePosition }) => queuePosition.status !== 'WAITING')).toBe(false);
    await other.close();
  });

  it('an ended token can be read, followed and left: each answers it as it is and changes nothing', async () => {
    const { queueId, places } = await three(false);
    const [first, second] = places;
    await runOut(world, [first]);
    await until(first, 'EXPIRED');
    await leave(second);
    const before = await statsOf(operator, queueId);

    const expired = { status: 'EXPIRED', endReason: 'ACTIVE_TIME_OVER', value: first.value };
    expect(await look(first)).toMatchObject(expired);
    expect(await leave(first)).toMatchObject(expired);
    expect(await look(first)).toMatchObject(expired);
    expect(await leave(second)).toMatchObject({ status: 'LEFT', endReason: 'LEFT', value: second.value });

    const feed = follow(first);
    expect(await feed.ended).toBeUndefined();
    expect(feed.events).toHaveLength(1);
    expect(feed.events[0].queuePosition).toMatchObject(expired);
    const { entered, expired: gone, left } = await statsOf(operator, queueId);
    expect({ entered, gone, left }).toEqual({ entered: before.entered, gone: before.expired, left: before.left });
  });

  it('entering again after the end gives a new value at the back, and the old one stays ended', async () => {
    const { queueId, places } = await three(false);
    const [first, second, third] = places;
    await runOut(world, [first]);
    await until(second, 'ACTIVE');
    await leave(third);

    const again = await enter(first.buyer, queueId);
    const left = await enter(third.buyer, queueId);

    expect(again).toMatchObject({ status: 'WAITING', position: 1 });
    expect(left).toMatchObject({ status: 'WAITING', position: 2 });
    expect(new Set([again.value, left.value, first.value, third.value]).size).toBe(4);
    expect(await look(first)).toMatchObject({ status: 'EXPIRED' });
    expect(await leave(third)).toMatchObject({ status: 'LEFT' });
    expect(await look({ buyer: third.buyer, value: left.value })).toMatchObject({ status: 'WAITING', position: 2 });
  });
});
