import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enter, eventually, makeQueue } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import {
  activeIn,
  follow,
  hears,
  leave,
  line,
  look,
  pause,
  positions,
  runOut,
  statsOf,
  statuses,
  until,
  update,
} from '../support/places.ts';
import { World } from '../support/world.ts';

/** The product promises a second or so; the machine of the tests may be busy. */
const A_SECOND = 3_000;
const SOME_TICKS = 800;

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

  it('closing ends every WAITING place at once and tells its holder, while ACTIVE places keep their time', async () => {
    const queueId = await makeQueue(operator, { capacity: 2 });
    const places = await line(await buyers(8), queueId);
    await eventually(async () => (await activeIn(world, queueId)) === 2);
    const [active, waiting] = [places.slice(0, 2), places.slice(2)];
    const untilBefore = (await Promise.all(active.map(look))).map(({ activeUntil }) => activeUntil);
    const feeds = waiting.map(follow);
    const activeFeed = follow(active[0]!);
    await Promise.all([
      ...feeds.map((feed, i) => hears(feed, 'position', i + 1)),
      hears(activeFeed, 'status', 'ACTIVE'),
    ]);

    expect(await update(operator, queueId, { state: 'CLOSED' })).toMatchObject({ state: 'CLOSED', capacity: 2 });

    for (const place of waiting) {
      expect(await look(place)).toMatchObject({ status: 'EXPIRED', endReason: 'QUEUE_CLOSED', position: null });
    }
    await Promise.all(feeds.map((feed) => hears(feed, 'endReason', 'QUEUE_CLOSED', A_SECOND)));
    await Promise.all(feeds.map(async (feed) => expect(await feed.ended).toBeUndefined()));
    expect(await statuses(active)).toEqual(['ACTIVE', 'ACTIVE']);
    expect((await Promise.all(active.map(look))).map(({ activeUntil }) => activeUntil)).toEqual(untilBefore);
    expect(new Set(activeFeed.events.map(({ queuePosition }) => queuePosition.status))).toEqual(new Set(['ACTIVE']));
    expect(await statsOf(operator, queueId)).toMatchObject({ entered: 8, waiting: 0, active: 2, expired: 6, left: 0 });
    expect(await leave(waiting[0]!)).toMatchObject({ status: 'EXPIRED', endReason: 'QUEUE_CLOSED' });
    await leave(active[1]!);
    await pause(SOME_TICKS);
    expect(await statsOf(operator, queueId)).toMatchObject({
      ...{ admitted: 2, active: 1, waiting: 0 },
      ...{ expired: 6, left: 1 },
    });
    await activeFeed.close();
  });

  it('a CLOSED queue refuses new entries with QUEUE_CLOSED, and who is ACTIVE keeps the one token', async () => {
    const queueId = await makeQueue(operator, { capacity: 1 });
    const places = await line(await buyers(2), queueId);
    await until(places[0]!, 'ACTIVE');
    await update(operator, queueId, { state: 'CLOSED' });
    const [stranger] = (await buyers(1)) as [Buyer];

    expect(await enter(stranger, queueId)).toEqual({ __typename: 'Refusal', code: 'QUEUE_CLOSED' });
    expect(await enter(places[1]!.buyer, queueId)).toEqual({ __typename: 'Refusal', code: 'QUEUE_CLOSED' });
    expect(await enter(places[0]!.buyer, queueId)).toMatchObject({ status: 'ACTIVE', value: places[0]!.value });

    expect(await statsOf(operator, queueId)).toMatchObject({ entered: 2, waiting: 0, active: 1, expired: 1 });
  });

  it('an ACTIVE place of a CLOSED queue that runs out is EXPIRED also where places re-enter', async () => {
    const queueId = await makeQueue(operator, { capacity: 1, reenter: true });
    const [place] = await line(await buyers(1), queueId);
    await until(place!, 'ACTIVE');
    await update(operator, queueId, { state: 'CLOSED' });

    await runOut(world, [place!]);

    expect(await look(place!)).toMatchObject({ status: 'EXPIRED', endReason: 'ACTIVE_TIME_OVER' });
    expect(await statsOf(operator, queueId)).toMatchObject({ entered: 1, waiting: 0, expired: 1 });
  });

  it('reopening admits those who enter then, and none of those whom the closing ended', async () => {
    const queueId = await makeQueue(operator, { capacity: 0 });
    const old = await line(await buyers(5), queueId);
    await leave(old[1]!);
    await update(operator, queueId, { state: 'CLOSED' });
    await update(operator, queueId, { state: 'OPEN', capacity: 2 });

    const [again] = await line([old[4]!.buyer], queueId);
    const fresh = await line(await buyers(2), queueId);

    expect(again?.value).not.toBe(old[4]!.value);
    await until(again!, 'ACTIVE');
    await until(fresh[0]!, 'ACTIVE');
    expect(await look(fresh[1]!)).toMatchObject({ status: 'WAITING', position: 1, waiting: 1 });
    expect(await statuses(old)).toEqual(['EXPIRED', 'LEFT', 'EXPIRED', 'EXPIRED', 'EXPIRED']);
    expect(await statsOf(operator, queueId)).toMatchObject({
      ...{ entered: 8, admitted: 2, active: 2 },
      ...{ waiting: 1, expired: 4, left: 1 },
    });
  });

  it('a PAUSED queue takes entries and admits nobody until it is OPEN again', async () => {
    const queueId = await makeQueue(operator, { capacity: 3 });
    const [first] = await line(await buyers(1), queueId);
    await until(first!, 'ACTIVE');
    await update(operator, queueId, { state: 'PAUSED' });

    const places = await line(await buyers(4), queueId);
    const feed = follow(places[3]!);
    await hears(feed, 'position', 4);
    await pause(SOME_TICKS);

    expect(await statuses([first!, ...places])).toEqual(['ACTIVE', ...Array(4).fill('WAITING')]);
    expect(await positions(places)).toEqual([1, 2, 3, 4]);
    await leave(places[1]!);
    await hears(feed, 'position', 3, A_SECOND);
    expect(await statsOf(operator, queueId)).toMatchObject({ admitted: 1, active: 1, waiting: 3 });

    await update(operator, queueId, { state: 'OPEN' });

    await Promise.all([until(places[0]!, 'ACTIVE', A_SECOND), until(places[2]!, 'ACTIVE', A_SECOND)]);
    await hears(feed, 'position', 1, A_SECOND);
    expect(await look(places[3]!)).toMatchObject({ status: 'WAITING', position: 1 });
    await feed.close();
  });

  it('an ACTIVE place runs out also while the queue is PAUSED, and nobody takes its room', async () => {
    const queueId = await makeQueue(operator, { capacity: 1 });
    const places = await line(await buyers(2), queueId);
    await until(places[0]!, 'ACTIVE');
    await update(operator, queueId, { state: 'PAUSED' });
    const feed = follow(places[0]!);
    await hears(feed, 'status', 'ACTIVE');

    await runOut(world, [places[0]!]);

    await hears(feed, 'endReason', 'ACTIVE_TIME_OVER', A_SECOND);
    expect(await feed.ended).toBeUndefined();
    expect(await look(places[1]!)).toMatchObject({ status: 'WAITING', position: 1 });
    expect(await activeIn(world, queueId)).toBe(0);
  });
});
