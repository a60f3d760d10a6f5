import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, makeQueue, makeShow, pay, reserve } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { inside, leave, line, pause, runOut, statsOf, until, update } from '../support/places.ts';
import { World } from '../support/world.ts';

const HISTORY = `query ($queueId: ID!, $minutes: Int) { queueHistory(queueId: $queueId, minutes: $minutes) {
  at waiting active entered admitted completed expired medianWaitSeconds } }`;
const ROW_MS = 5_000;
const A_DAY = 17_280;

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

async function history(queueId: string, minutes?: number, url = operator.url): Promise<Data[]> {
  return (await operator.at(url).get(HISTORY, { queueId, minutes })).queueHistory;
}

/** Lets the present row be over: the next tick closes it, as one of 5 seconds ago. */
async function closeRow(queueId: string): Promise<void> {
  const meta = `{q:${queueId}}:meta`;
  await eventually(async () => Number(await world.redis.hget(meta, 'rowAt')) > 0);
  const rows = (await history(queueId)).length;
  const now = Date.now();
  await world.redis.hset(meta, 'rowAt', now - (now % ROW_MS) - ROW_MS);
  await eventually(async () => (await history(queueId)).length > rows);
}

const sum = (rows: Data[], field: string): number => rows.reduce((total, row) => total + row[field], 0);

/** Puts rows of 5 seconds up to the present into a queue's past; each says in `entered` which one it is. */
async function writePast(queueId: string, rows: number): Promise<number> {
  const newest = Date.now() - (Date.now() % ROW_MS) - ROW_MS;
  const past = Array.from({ length: rows }, (_, i) =>
    JSON.stringify([newest - (rows - 1 - i) * ROW_MS, 0, 0, i, 0, 0, 0, -1]),
  );
  for (let from = 0; from < rows; from += 5_000) {
    await world.redis.rpush(`{q:${queueId}}:history`, ...past.slice(from, from + 5_000));
  }
  return newest;
}

it('rows tell what happened in them, from the first entry on, and together all that the stats count', async () => {
  const queueId = await makeQueue(operator, { capacity: 0 });
  const show = await makeShow(operator, {}, queueId);
  const places = await line(await world.buyers(6, 1_000), queueId);
  await closeRow(queueId);
  const before = await history(queueId);
  expect(sum(before, 'entered')).toBe(6);
  expect(before.at(-1)).toMatchObject({ waiting: 6, active: 0, admitted: 0, completed: 0, expired: 0 });
  for (const { at, medianWaitSeconds } of before)
    expect([Date.parse(at) % ROW_MS, medianWaitSeconds]).toEqual([0, null]);

  await update(operator, queueId, { capacity: 4 });
  await until(places[3]!, 'ACTIVE');
  const { id } = await reserve(inside(places[0]!), show.id, [show.seats[0] as string]);
  await pay(inside(places[0]!), id);
  await runOut(world, [places[1]!]);
  await until(places[5]!, 'ACTIVE');
  await leave(places[2]!);
  await closeRow(queueId);
  await closeRow(queueId);

  const rows = await history(queueId);
  const stats = await statsOf(operator, queueId);
  for (const field of ['entered', 'admitted', 'completed', 'expired']) expect(sum(rows, field)).toBe(stats[field]);
  expect(stats).toMatchObject({ entered: 6, admitted: 6, completed: 1, expired: 1, left: 1 });
  const busy = rows.filter(({ admitted }: Data) => admitted > 0);
  for (const { medianWaitSeconds } of busy) expect(medianWaitSeconds).toBeGreaterThanOrEqual(0);
  expect(rows.at(-1)).toMatchObject({ waiting: 0, active: 3, entered: 0, admitted: 0, medianWaitSeconds: null });
  expect((await history(queueId, 60, world.urls[1])).slice(0, rows.length)).toEqual(rows);
});

it('the median wait is that of those admitted in the row', async () => {
  const queueId = await makeQueue(operator, { capacity: 0 });
  await line(await world.buyers(1), queueId);
  await closeRow(queueId);
  await world.redis.rpush(`{q:${queueId}}:waits`, 1_000, 90_000, 7_900, 2_000, 30_000);
  await closeRow(queueId);
  await closeRow(queueId);
  const medians = (await history(queueId)).map(({ medianWaitSeconds }: Data) => medianWaitSeconds);
  expect(medians.filter((median) => median !== null)).toEqual([7]);
});

it('two processes that tick make one row for each 5 seconds', async () => {
  const queueId = await makeQueue(operator, { capacity: 0 });
  await line(await world.buyers(2), queueId);
  await pause(2 * ROW_MS + 1_000);
  const at = (await history(queueId)).map((row) => Date.parse(row.at));
  expect(at.length).toBeGreaterThanOrEqual(2);
  for (const [index, time] of at.entries()) if (index > 0) expect(time - (at[index - 1] as number)).toBe(ROW_MS);
});

it('who enters after a time without ticks counts in the row of then, and an empty queue that is asked has no rows', async () => {
  const queueId = await makeQueue(operator, { capacity: 0 });
  const [place] = await line(await world.buyers(1), queueId);
  await closeRow(queueId);
  await leave(place!);
  await closeRow(queueId);
  const meta = `{q:${queueId}}:meta`;
  await world.redis.zrem('onsale:live-queues', queueId);
  await pause(500);
  const anHourAgo = Date.now() - (Date.now() % ROW_MS) - 3_600_000;
  await world.redis.hset(meta, 'rowAt', anHourAgo, 'tickAt', anHourAgo + 2_000);

  const idle = await history(queueId);
  expect(await history(queueId)).toEqual(idle);
  await line(await world.buyers(2), queueId);
  await closeRow(queueId);

  const rows = await history(queueId);
  expect(sum(rows.slice(idle.length), 'entered')).toBe(2);
  expect(rows.at(-1)).toMatchObject({ waiting: 2 });
  expect(sum(rows, 'entered')).toBe(3);
});

it('a day is kept and no more', async () => {
  const queueId = await makeQueue(operator, { capacity: 0 });
  await line(await world.buyers(1), queueId);
  await writePast(queueId, A_DAY + 500);
  const now = Date.now();
  await eventually(async () => Number(await world.redis.hget(`{q:${queueId}}:meta`, 'rowAt')) > 0);
  await world.redis.hset(`{q:${queueId}}:meta`, 'rowAt', now - (now % ROW_MS) - ROW_MS);
  await eventually(async () => (await world.redis.llen(`{q:${queueId}}:history`)) === A_DAY);
  expect(await world.redis.ttl(`{q:${queueId}}:history`)).toBeGreaterThan(86_000);
});

it('of more rows than 720 every so-manieth is told, oldest first, with the newest among them', async () => {
  const queueId = await makeQueue(operator, { capacity: 0 });
  // A tick would add a row to the past of an empty queue that has just been made.
  await world.redis.zrem('onsale:live-queues', queueId);
  const newest = await writePast(queueId, A_DAY);
  for (const [minutes, step] of [
    [1, 1],
    [60, 1],
    [61, 2],
    [240, 4],
    [1_440, 24],
  ] as const) {
    const rows = await history(queueId, minutes);
    const at = rows.map((row) => Date.parse(row.at));
    expect(rows.length).toBeLessThanOrEqual(720);
    expect(rows.length).toBeGreaterThanOrEqual(Math.floor((minutes * 12 - 1) / step));
    expect(at.at(-1)).toBe(newest);
    for (let i = 1; i < at.length; i++) expect((at[i] as number) - (at[i - 1] as number)).toBe(step * ROW_MS);
    expect(at[0]).toBeGreaterThanOrEqual(newest - minutes * 60_000 - ROW_MS);
  }
});

it('minutes out of their bounds, a queue that is not there, and buyers are refused', async () => {
  const queueId = await makeQueue(operator, { capacity: 0 });
  for (const minutes of [0, -1, 43_201, 2 ** 31 - 1, 1.5, '60']) {
    expect(await operator.fail(HISTORY, { queueId, minutes })).toBe('BAD_USER_INPUT');
  }
  expect(await operator.fail(HISTORY, { queueId: randomUUID() })).toBe('NOT_FOUND');
  expect(await operator.fail(HISTORY, { queueId: 'x' })).toBe('BAD_USER_INPUT');
  expect(await (await world.buyer()).fail(HISTORY, { queueId })).toBe('FORBIDDEN');
});
