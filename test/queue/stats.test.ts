import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, makeQueue, makeShow, pay, reserve } from '../support/builders.ts';
import type { Buyer, Data, Feed } from '../support/client.ts';
import {
  inside,
  leave,
  line,
  look,
  type Place,
  pause,
  runOut,
  statsOf,
  statuses,
  until,
  update,
} from '../support/places.ts';
import { World } from '../support/world.ts';

const WATCH = `subscription ($id: ID!) { queueStats(queueId: $id) {
  queueId at waiting active entered admitted completed expired left admittedPerMinute etaErrorSeconds } }`;

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

/** Nobody re-entered: everybody who entered is in exactly one place. */
function expectToAddUp({ entered, waiting, active, completed, expired, left, admitted }: Data): void {
  expect(waiting + active + completed + expired + left).toBe(entered);
  expect(active + completed).toBeLessThanOrEqual(admitted);
}

describe.each([1, 2])('with %i processes', (processes) => {
  const buyers = async (count: number, balance = 0): Promise<Buyer[]> =>
    (await world.buyers(count, balance)).map((buyer, index) => buyer.at(world.urls[index % processes] as string));
  const watch = (id: string): Feed => operator.at(world.urls[processes - 1] as string).watch(WATCH, { id });

  it('the counts add up after people paid, left, ran out of time and were closed out', async () => {
    const queueId = await makeQueue(operator, { capacity: 5 });
    const show = await makeShow(operator, {}, queueId);
    const places = (await line(await buyers(12, 1_000), queueId)) as Place[];
    await until(places[4]!, 'ACTIVE');
    const feed = watch(queueId);

    const { id } = await reserve(inside(places[0]!), show.id, [show.seats[0] as string]);
    await pay(inside(places[0]!), id);
    await leave(places[1]!);
    await leave(places[11]!);
    await runOut(world, [places[2]!, places[3]!]);
    await until(places[8]!, 'ACTIVE');
    expectToAddUp(await statsOf(operator, queueId));
    await update(operator, queueId, { state: 'CLOSED' });

    const after = { entered: 12, admitted: 9, completed: 1, left: 2, expired: 4, waiting: 0, active: 5 };
    expect(await statsOf(operator, queueId)).toMatchObject({ queueId, ...after, admittedPerMinute: 9 });
    const heard = await feed.until(({ queueStats }) => queueStats.waiting === 0 && queueStats.left === 2);
    expect(heard.queueStats).toMatchObject({ queueId, ...after });
    for (const { queueStats } of feed.events) expectToAddUp(queueStats);
    const told = await statuses(places);
    for (const [status, count] of Object.entries({ ACTIVE: 5, COMPLETED: 1, LEFT: 2, EXPIRED: 4, WAITING: 0 })) {
      expect(told.filter((each) => each === status)).toHaveLength(count);
    }
    await feed.close();
  });

  it('queueStats tells the counts at once, also of a queue that nobody ever entered', async () => {
    const queueId = await makeQueue(operator, { capacity: 5 });
    const feed = watch(queueId);
    const { queueStats } = await feed.until(() => true);
    const zero = { entered: 0, waiting: 0, active: 0, admitted: 0, completed: 0, expired: 0, left: 0 };
    expect(queueStats).toMatchObject({ queueId, ...zero, admittedPerMinute: 0, etaErrorSeconds: null });
    await feed.close();
  });

  it('queueStats tells at most once a second however much happens, and then the latest', async () => {
    const queueId = await makeQueue(operator, { capacity: 0 });
    const feed = watch(queueId);
    await feed.until(() => true);
    const begun = Date.now();

    for (const buyer of await buyers(20)) {
      await line([buyer], queueId);
      await pause(80);
    }
    await feed.until(({ queueStats }) => queueStats.waiting === 20);

    const seconds = Math.floor((Date.now() - begun) / 1_000);
    expect(feed.events.length).toBeLessThanOrEqual(seconds + 2);
    const waiting = feed.events.map(({ queueStats }) => queueStats.waiting);
    expect(waiting[0]).toBe(0);
    expect(waiting).toEqual(waiting.toSorted((a, b) => a - b));
    await feed.close();
  });

  it('a subscription that ends leaves the other one of the same process in peace', async () => {
    const queueId = await makeQueue(operator, { capacity: 0 });
    const [one, other] = [watch(queueId), watch(queueId)];
    await Promise.all([one.until(() => true), other.until(() => true)]);

    await one.close();
    await line(await buyers(3), queueId);

    await other.until(({ queueStats }) => queueStats.waiting === 3);
    expect(one.events.every(({ queueStats }) => queueStats.waiting === 0)).toBe(true);
    await other.close();
  });

  it('an estimate counts on places that come free, not on those that were free at first', async () => {
    const queueId = await makeQueue(operator, { capacity: 20, activeSeconds: 100 });
    const places = await line(await buyers(60), queueId);
    const last = places[59]!;
    const estimates: number[] = [];

    await eventually(async () => {
      const { etaSeconds } = await look(last);
      if (etaSeconds !== null) estimates.push(etaSeconds);
      return etaSeconds > 100;
    });
    // All 20 places come free within 100 seconds, so the 40th in line waits for 200 at most.
    expect(Math.max(...estimates)).toBeLessThanOrEqual(200);

    await update(operator, queueId, { state: 'PAUSED' });
    await eventually(async () => (await look(last)).etaSeconds === null);
    expect((await look(last)).position).toBe(40);
  });

  it('those who were given an estimate are compared with it when they are admitted', async () => {
    const queueId = await makeQueue(operator, { capacity: 1 });
    const places = await line(await buyers(2), queueId);
    await until(places[0]!, 'ACTIVE');
    expect(await statsOf(operator, queueId)).toMatchObject({ etaErrorSeconds: null });
    const [late] = await line(await buyers(1), queueId);
    await leave(places[0]!);
    await until(places[1]!, 'ACTIVE');
    await leave(places[1]!);

    await until(late!, 'ACTIVE');

    await eventually(async () => (await statsOf(operator, queueId)).etaErrorSeconds !== null);
    expect((await statsOf(operator, queueId)).etaErrorSeconds).toBeLessThan(60);
  });
});
