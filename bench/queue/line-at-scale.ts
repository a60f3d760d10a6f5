import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { runScript } from '../../src/platform/lua.ts';
import { TestRedis } from '../../test/support/redis-server.ts';
import type { Row } from '../load/row.ts';
import { built } from '../product.ts';
import { fillQueue, scriptOf } from './fill.ts';

const { queueKey } = await built<typeof import('../../src/queue/line/line.ts')>('queue/line/line');
const { newSecret } = await built<typeof import('../../src/queue/queue-token.ts')>('queue/queue-token');

const FEW = 1_000;
const MANY = 1_000_000;
const TICKS = 30;
const ADMITTED_A_TICK = 25;
const ENTRIES = 20_000;
const MB = 1_000_000;

/** What one line of some length costs. */
interface Cost {
  readonly bytes: number;
  readonly commandsPerTick: number;
  readonly tickMs: number;
  readonly entryMs: number;
}

/** What a tick, an entry and a place cost with a thousand and with a million waiting, in Redis alone. */
export async function measureLine(): Promise<Row[]> {
  const few = await costOf(FEW);
  const many = await costOf(MANY);
  const sizes = `${FEW.toLocaleString('en')} against ${MANY.toLocaleString('en')} waiting`;
  const row = (promise: string, measured: number, against: number, unit: string, must: number): Row => ({
    ...{ promise, yardstick: sizes, measured: `${show(measured)} ${unit}`, against: `${show(against)} ${unit}` },
    ...{ ratio: measured / against, must, goal: 1.1, unit: 'x', wanted: 'less' },
  });
  return [
    row("Redis commands inside a tick's script", many.commandsPerTick, few.commandsPerTick, 'commands', 1.3),
    row("time of a tick's script", many.tickMs, few.tickMs, 'ms', 1.3),
    row('time of an entry', many.entryMs, few.entryMs, 'ms', 1.3),
    {
      ...{ promise: `Redis memory of ${MANY.toLocaleString('en')} waiting`, yardstick: '-' },
      ...{ measured: `${Math.round(many.bytes / MB)} MB`, against: '-' },
      ...{ ratio: many.bytes / MANY, must: 200, goal: 150, unit: 'bytes each', wanted: 'less' },
    },
  ];
}

async function costOf(waiting: number): Promise<Cost> {
  const server = await TestRedis.open();
  const redis = server.client();
  try {
    // The log of a million entries measures the disk.
    await redis.config('SET', 'appendonly', 'no');
    const queueId = randomUUID();
    await settle(redis, queueId, 1, 0);
    const before = await usedBytes(redis);
    await fillQueue(redis, queueId, waiting);
    const bytes = (await usedBytes(redis)) - before;
    const began = performance.now();
    await fillQueue(redis, queueId, ENTRIES);
    return { bytes, entryMs: (performance.now() - began) / ENTRIES, ...(await costOfTicks(redis, queueId)) };
  } finally {
    redis.disconnect();
    await server.close();
  }
}

/** The same admissions each time; the first ticks begin to keep the presence of those in front, and are not counted. */
async function costOfTicks(redis: Redis, queueId: string): Promise<Pick<Cost, 'commandsPerTick' | 'tickMs'>> {
  const tick = (): Promise<number> => runScript(redis, scriptOf('tick'), queueKey(queueId), [0, 'ticks', 0]);
  for (let i = 0; i < TICKS; i++) await tick();
  const took: number[] = [];
  let commands = 0;
  for (let i = 1; i <= TICKS; i++) {
    await settle(redis, queueId, i + 1, i * ADMITTED_A_TICK);
    const before = await commandsRun(redis);
    const began = performance.now();
    await tick();
    took.push(performance.now() - began);
    commands += (await commandsRun(redis)) - before;
  }
  return { commandsPerTick: commands / TICKS, tickMs: took.sort((a, b) => a - b)[TICKS / 2] ?? 0 };
}

function settle(redis: Redis, queueId: string, version: number, capacity: number): Promise<number> {
  const settings = [version, 'OPEN', capacity, '', 10_000_000, 2 * MANY, 0, 10_000_000, 0, newSecret()];
  return runScript(redis, scriptOf('apply-settings'), queueKey(queueId), settings);
}

async function usedBytes(redis: Redis): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
}

/** All commands since the start, those inside scripts too. */
async function commandsRun(redis: Redis): Promise<number> {
  const stats = (await redis.info('commandstats')).matchAll(/cmdstat_(?!info)\S+:calls=(\d+)/g);
  return [...stats].reduce((sum, [, calls]) => sum + Number(calls), 0);
}

function show(figure: number): string {
  return String(Number(figure.toPrecision(3)));
}
