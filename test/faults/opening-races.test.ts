import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { queueKey } from '../../src/queue/line/line.ts';
import { enter, eventually } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import { InterruptedOpening, interrupt, resume } from '../support/interrupted-opening.ts';
import { crowd, drawn, expectedOrder, makeScheduled, openNow, publicIdOf, shuffleOf } from '../support/openings.ts';
import { leave, line, look, type Place, positions, statsOf, statuses, update } from '../support/places.ts';
import { World } from '../support/world.ts';

describe('two processes', () => {
  let world: World;
  let operator: Buyer;
  beforeAll(async () => {
    world = await World.open();
    operator = await world.operator();
  });
  afterAll(() => world.close());

  it('asked to open at the same moment answer OPEN both, and draw one order', async () => {
    const buyers = await world.buyers(4);
    for (let round = 0; round < 10; round++) {
      const queueId = await makeScheduled(operator);
      const places = await line(buyers, queueId);
      const answers = await Promise.all(world.urls.map((url) => openNow(operator.at(url), queueId)));
      expect(answers.map(({ state }) => state)).toEqual(['OPEN', 'OPEN']);
      const [one, other] = await Promise.all(world.urls.map((url) => shuffleOf(url, queueId)));
      expect(one).toEqual(other);
      expect(one?.order).toEqual(expectedOrder(one?.seed ?? '', places.map(publicIdOf)));
      const sorted = places.sort(
        (a, b) => (one?.order.indexOf(publicIdOf(a)) ?? 0) - (one?.order.indexOf(publicIdOf(b)) ?? 0),
      );
      expect(await positions(sorted)).toEqual([1, 2, 3, 4]);
    }
  });

  it('told other settings all through the opening end with the last of them, open', async () => {
    const buyers = await world.buyers(3);
    for (let round = 0; round < 10; round++) {
      const queueId = await makeScheduled(operator);
      const places = await line(buyers, queueId);
      const storm = Array.from({ length: 12 }, (_, i) =>
        update(operator.at(world.urls[i % 2] as string), queueId, { maxWaiting: 100 + i }),
      );
      await Promise.all([...storm, openNow(operator, queueId)]);
      await update(operator, queueId, { capacity: 3 });
      await eventually(async () => (await statuses(places)).every((status) => status === 'ACTIVE'));
      const { rows } = await world.pool.query('select state, version from queue where id = $1', [queueId]);
      const settings = await world.redis.hgetall(`${queueKey(queueId)}:settings`);
      expect(settings).toMatchObject({ state: 'OPEN', version: String(rows[0].version) });
      expect(settings.phase).toBeUndefined();
    }
  });

  it('with people coming and going all through the opening give every place to one person, late ones behind', async () => {
    const queueId = await makeScheduled(operator);
    const early = await crowd(await world.buyers(600), queueId);
    const newcomers = await world.buyers(60);
    const late: Place[] = [];
    const leavers = early.slice(0, 60);
    const come = async (buyer: Buyer): Promise<void> => {
      late.push({ buyer, value: (await enter(buyer, queueId)).value });
    };
    await Promise.all([openNow(operator, queueId), ...leavers.map(leave), ...newcomers.map(come)]);
    const { order, seed } = await drawn(world.urls[0] as string, queueId);
    const all = [...early, ...late];
    const drawnAt = new Map(order.map((id, index) => [id, index]));
    const entrants = all.map(publicIdOf).filter((id) => drawnAt.has(id));
    expect(order).toEqual(expectedOrder(seed as string, entrants));
    for (const place of early.slice(60)) expect(drawnAt.has(publicIdOf(place))).toBe(true);

    const there = all.filter((place) => !leavers.includes(place));
    const found = await positions(there);
    const standing = there
      .map((place, index) => ({ position: found[index] as number, drawn: drawnAt.get(publicIdOf(place)) ?? Infinity }))
      .sort((a, b) => a.position - b.position);
    expect(standing.map(({ position }) => position)).toEqual(there.map((_place, index) => index + 1));
    for (let i = 1; i < standing.length; i++) expect(standing[i]!.drawn).toBeGreaterThanOrEqual(standing[i - 1]!.drawn);
    for (const url of world.urls) {
      expect(await positions(there.map(({ buyer, value }) => ({ value, buyer: buyer.at(url) })))).toEqual(found);
    }
    expect(await statuses(leavers)).toEqual(leavers.map(() => 'LEFT'));
    expect(await statsOf(operator, queueId)).toMatchObject({ entered: 660, left: 60, waiting: 600 });
  });

  it('none of which ran at opensAt: the next one that starts opens the queue', async () => {
    const queueId = await makeScheduled(operator, 2_500, { capacity: 1 });
    const empty = await makeScheduled(operator, 2_500);
    const places = await line(await world.buyers(5), queueId);
    await Promise.all(world.processes.splice(0).map((process) => process.stop('SIGKILL')));
    await eventually(
      async () => (await world.pool.query('select 1 from queue where opens_at > now()')).rowCount === 0,
      8_000,
    );
    expect((await world.pool.query(`select 1 from queue where state = 'SCHEDULED'`)).rowCount).toBe(2);

    await world.startProcess();
    const { url } = await world.startProcess();

    const { order, seed } = await drawn(url, queueId, 10_000);
    expect(order).toEqual(expectedOrder(seed as string, places.map(publicIdOf)));
    expect((await drawn(url, empty, 10_000)).order).toEqual([]);
    const first = places.find((place) => publicIdOf(place) === order[0]) as Place;
    await eventually(async () => (await look({ ...first, buyer: first.buyer.at(url) })).status === 'ACTIVE');
  });
});

describe('an opening', () => {
  let world: World;
  afterEach(async () => {
    for (const { child } of world.processes) child.kill('SIGCONT');
    await world.close();
  });

  it('each of whose steps reaches Redis twice is the same as one', async () => {
    world = await World.open({ preload: './steps-twice.ts' });
    const opening = await InterruptedOpening.make(world);
    await openNow(opening.operator, opening.queueId);
    const { told, right, places } = await opening.expected();
    expect(told).toEqual(right);
    expect(await positions(places)).toEqual(places.map((_place, index) => index + 1));
    expect(await statsOf(opening.operator, opening.queueId)).toMatchObject({
      waiting: places.length,
      entered: places.length,
    });
  });

  it('that does not count what it has written puts people wrong when its steps reach Redis twice', async () => {
    world = await World.open({ preload: './steps-twice-uncounted.ts' });
    const opening = await InterruptedOpening.make(world);
    await openNow(opening.operator, opening.queueId);
    const { told, right, places } = await opening.expected();
    expect(told).toEqual(right);
    expect(await positions(places)).not.toEqual(places.map((_place, index) => index + 1));
  });

  it('forgotten by a Redis after its order was told is done again in that order, for all who are still known', async () => {
    world = await World.open({ processes: 1 });
    const opening = await InterruptedOpening.make(world);
    const forget = await remember(world, opening.queueId);
    const [url] = world.urls as [string];
    const [unlucky] = await line([(await world.buyer()).at(url)], opening.queueId);
    const doomed = await world.startProcess({ STOP_AFTER: 'kept' }, './stop-in-opening.ts');
    await interrupt(opening, doomed);
    await forget();
    await world.redis.set(`${queueKey(opening.queueId)}:lease`, 'another', 'PX', 3_000);
    resume(opening);
    const late = await line([(await world.buyer()).at(url)], opening.queueId);

    await eventually(async () => (await look(late[0]!)).position !== null);

    const { order } = await shuffleOf(url, opening.queueId);
    expect(order).toContain(publicIdOf(unlucky!));
    expect(await look(unlucky!)).toBeNull();
    const placeOf = new Map(opening.plain.map((place) => [publicIdOf(place), place]));
    const high = (await shuffleOf(url, opening.queueId, { priority: 5 })).order;
    const standing = [
      ...high.map((id) => opening.coded.find((place) => publicIdOf(place) === id) as Place),
      ...order.flatMap((id) => placeOf.get(id) ?? []),
      ...late,
    ];
    expect(await positions(standing)).toEqual(standing.map((_place, index) => index + 1));
  });
});

/** Notes everything that Redis keeps of the queue; answers what brings all of it back to that. */
async function remember({ redis }: World, queueId: string): Promise<() => Promise<void>> {
  const all = async (): Promise<string[]> => redis.keys(`${queueKey(queueId)}*`);
  const kept = await Promise.all((await all()).map(async (key) => [key, await redis.dumpBuffer(key)] as const));
  return async () => {
    await redis.del(await all());
    for (const [key, bytes] of kept) await redis.restore(key, 0, bytes);
  };
}
