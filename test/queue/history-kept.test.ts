import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, makeQueue } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { World } from '../support/world.ts';

const HISTORY = `query ($queueId: ID!, $minutes: Int) { queueHistory(queueId: $queueId, minutes: $minutes) {
  at seconds waiting active entered admitted completed expired medianWaitSeconds } }`;
const ROW_MS = 5_000;
const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;

let world: World;
let operator: Buyer;
beforeAll(async () => {
  // What is done every minute is done ten times a second, at both processes.
  world = await World.open({ preload: './hurry-jobs.ts' });
  operator = await world.operator();
});
afterAll(() => world.close());

async function history(queueId: string, minutes: number): Promise<Data[]> {
  return (await operator.get(HISTORY, { queueId, minutes })).queueHistory;
}

/** A row of Redis: begin, waiting, active, entered, admitted, completed, expired, median wait. */
type Row = [number, number, number, number, number, number, number, number];

async function writeRows(queueId: string, rows: Row[]): Promise<void> {
  await world.redis.rpush(`{q:${queueId}}:history`, ...rows.map((row) => JSON.stringify(row)));
}

async function kept(queueId: string): Promise<Data[]> {
  const { rows } = await world.pool.query(
    `select minute, waiting, active, entered, admitted, completed, expired, median_wait as median, row_count as rows
     from queue_minute where queue_id = $1 order by minute`,
    [queueId],
  );
  return rows;
}

/** Begin of the minute that was so many minutes ago. */
const minuteAgo = (minutes: number): number => Date.now() - (Date.now() % MINUTE) - minutes * MINUTE;

it('rows become minutes: counts add up, the last place counts, the median is weighed by the admitted', async () => {
  const queueId = await makeQueue(operator, { capacity: 0 });
  const at = minuteAgo(3);
  await writeRows(queueId, [
    [at, 9, 1, 10, 1, 0, 0, 100],
    [at + ROW_MS, 7, 3, 0, 2, 1, 0, 20],
    [at + 11 * ROW_MS, 5, 4, 1, 3, 2, 1, 30],
    [at + MINUTE, 5, 4, 0, 0, 0, 0, -1],
  ]);
  await eventually(async () => (await kept(queueId)).length === 2);
  const [first, second] = await kept(queueId);
  const counts = { entered: 11, admitted: 6, completed: 3, expired: 1 };
  expect(first).toEqual({ minute: new Date(at), waiting: 5, active: 4, ...counts, median: 30, rows: 3 });
  expect(second).toMatchObject({ entered: 0, median: null, rows: 1 });
});

it('a minute that was kept before it was over is kept anew; what Redis lost is not', async () => {
  const queueId = await makeQueue(operator, { capacity: 0 });
  const at = minuteAgo(2);
  await writeRows(queueId, [[at, 1, 0, 1, 0, 0, 0, -1]]);
  await eventually(async () => (await kept(queueId))[0]?.entered === 1);
  await writeRows(queueId, [[at + ROW_MS, 3, 0, 2, 0, 0, 0, -1]]);
  await eventually(async () => (await kept(queueId))[0]?.entered === 3);
  await world.redis.del(`{q:${queueId}}:history`);
  await writeRows(queueId, [
    [at + 2 * ROW_MS, 4, 0, 1, 0, 0, 0, -1],
    [at + MINUTE, 9, 0, 5, 0, 0, 0, -1],
  ]);
  await eventually(async () => (await kept(queueId)).length === 2);
  expect(await kept(queueId)).toMatchObject([
    { entered: 3, waiting: 3, rows: 2 },
    { entered: 5, waiting: 9, rows: 1 },
  ]);
  await world.redis.del(`{q:${queueId}}:history`);
  expect(await history(queueId, 60)).toMatchObject([
    { entered: 3, seconds: 60 },
    { entered: 5, seconds: 60 },
  ]);
});

it('30 days are told in rows that sum up, wider the longer the time, with the last minutes that are not kept yet', async () => {
  const queueId = await makeQueue(operator, { capacity: 0 });
  // A tick would add a row to the past of an empty queue that has just been made.
  await world.redis.zrem('onsale:live-queues', queueId);
  const newest = minuteAgo(10);
  await world.pool.query(
    `insert into queue_minute (queue_id, minute, waiting, active, entered, admitted, completed, expired, median_wait, row_count)
     select $1, to_timestamp($2::bigint / 1000) - n * interval '1 minute', n % 100, 2, 2, 1, 1, 0, 10 + n % 3, 12
     from generate_series(0, 43100) n`,
    [queueId, newest],
  );
  await writeRows(queueId, [
    [newest + 11 * ROW_MS, 77, 5, 1, 0, 0, 0, -1],
    [newest + MINUTE, 78, 5, 3, 0, 0, 0, -1],
  ]);
  for (const [minutes, width] of [
    [1_441, 5],
    [2_880, 5],
    [10_080, 15],
    [43_200, 60],
  ] as const) {
    const rows = await history(queueId, minutes);
    expect(rows.length).toBeLessThanOrEqual(720);
    expect(rows.length).toBeGreaterThan(minutes / width - 5);
    for (const [index, row] of rows.entries()) {
      expect([row.seconds, Date.parse(row.at) % (width * MINUTE)]).toEqual([width * 60, 0]);
      if (index > 0) expect(Date.parse(row.at) - Date.parse(rows[index - 1].at)).toBe(width * MINUTE);
    }
    expect(rows.at(-1)).toMatchObject({ waiting: 78, active: 5 });
    const whole = rows.slice(1, -1).filter(({ at }) => Date.parse(at) + width * MINUTE <= newest);
    for (const row of whole)
      expect(row).toMatchObject({ entered: 2 * width, admitted: width, completed: width, medianWaitSeconds: 11 });
  }
  const recent = (await history(queueId, 1_441)).slice(-3).reduce((sum, { entered }) => sum + entered, 0);
  expect(recent % 2).toBe(1);
});

it('minutes of more than 30 days ago are forgotten', async () => {
  const queueId = await makeQueue(operator, { capacity: 0 });
  await world.pool.query(
    `insert into queue_minute (queue_id, minute, waiting, active, entered, admitted, completed, expired, row_count)
     select $1, date_trunc('minute', clock_timestamp()) - days * interval '1 day', 0, 0, 1, 0, 0, 0, 12
     from unnest('{29, 31}'::int[]) days`,
    [queueId],
  );
  await eventually(async () => (await kept(queueId)).length === 1);
  const [row] = await kept(queueId);
  expect(Date.now() - row.minute.getTime()).toBeLessThan(30 * DAY);
});
