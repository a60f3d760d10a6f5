import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, makeShow, pay, reserve } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import { makeWebhook, readStream } from '../support/events.ts';
import { Receiver } from '../support/receiver.ts';
import { World } from '../support/world.ts';

let receiver: Receiver;
let world: World;
let operator: Buyer;
beforeAll(async () => {
  receiver = await Receiver.open();
  world = await World.open({ env: { ...receiver.env, EVENTS_STREAM_MAX: '1000' }, preload: './hurry-jobs.ts' });
  operator = await world.operator();
});
afterAll(async () => {
  await world.close();
  await receiver.close();
});

const waiting = async (): Promise<number> =>
  (await world.pool.query('select from outbox where streamed_at is null or shared_at is null')).rowCount ?? 0;

async function buy(): Promise<string> {
  const show = await makeShow(operator);
  const buyer = await world.buyer(1_000);
  return (await pay(buyer, (await reserve(buyer, show.id, [show.seats[0] as string])).id)).id;
}

const sizeOf = async (table: string): Promise<number> => (await world.pool.query(`select from ${table}`)).rowCount ?? 0;

it('a purchase is not held up while Redis is away, goes to webhooks meanwhile, and is in the stream afterwards', async () => {
  await makeWebhook(operator, receiver.url('/meanwhile'), ['payment.completed.v1']);
  const show = await makeShow(operator);
  const buyer = await world.buyer(1_000);
  const held = await reserve(buyer, show.id, [show.seats[0] as string]);
  await eventually(async () => (await waiting()) === 0);
  await world.redisServer.kill();
  const { id } = await pay(buyer, held.id);
  await eventually(() => receiver.at('/meanwhile').some(({ body }) => body.subject === id));
  expect(await waiting()).toBeGreaterThan(0);
  await world.redisServer.start();
  await eventually(async () => (await waiting()) === 0);
  const events = (await readStream(world.redis)).filter(({ subject }) => subject === id || subject === held.id);
  expect(events.map(({ type }) => type)).toEqual(
    expect.arrayContaining(['payment.completed.v1', 'reservation.confirmed.v1']),
  );
});

it('an event that was committed late, after one with a higher sequence, is not skipped', async () => {
  const late = await world.pool.connect();
  const insert = `insert into outbox (id, type, aggregate, part, data)
    values (gen_random_uuid(), 'queue.paused.v1', $1, 0, '{"queueId": "late"}')`;
  const [first, second] = ['01900000-0000-7000-8000-000000000000', '01900000-0000-7000-8000-000000000010'];
  await late.query('begin');
  await late.query(insert, [first]);
  await world.pool.query(insert, [second]);
  const streamed = async (subject: string): Promise<boolean> =>
    (await readStream(world.redis)).some((event) => event.subject === subject);
  await eventually(() => streamed(second));
  expect(await streamed(first)).toBe(false);
  await late.query('commit');
  late.release();
  await eventually(() => streamed(first));
});

it('the stream keeps about as many entries as configured, and none of more than a day', async () => {
  const old = `${Date.now() - 25 * 3_600_000}-0`;
  await world.redis.del('onsale:events');
  await world.redis.xadd('onsale:events', old, 'event', '{}');
  const filling = world.redis.pipeline();
  for (let n = 0; n < 3_000; n++) filling.xadd('onsale:events', '*', 'event', '{}');
  await filling.exec();
  await buy();
  await eventually(async () => (await world.redis.xlen('onsale:events')) < 1_300);
  const [[oldest] = []] = await world.redis.xrange('onsale:events', '-', '+', 'COUNT', 1);
  expect(Number(oldest?.split('-')[0])).toBeGreaterThan(Date.now() - 3_600_000);
});

it('an event leaves a day after its last delivery: neither before, nor while it waits, nor while it is a young dead letter', async () => {
  const age = (table: string, columns: string[], interval: string, where = 'true'): Promise<unknown> =>
    world.pool.query(
      `update ${table} set ${columns.map((one) => `${one} = ${one} - interval '${interval}'`).join(', ')} where ${where}`,
    );
  await eventually(async () => (await waiting()) === 0);
  await world.pool.query('delete from webhook_delivery');
  await world.pool.query('delete from outbox');
  const { id } = await makeWebhook(operator, receiver.url('/kept'), ['payment.completed.v1']);
  await buy();
  await eventually(
    async () =>
      (await world.pool.query(`select from webhook_delivery where status = 'DELIVERED' and webhook_id = $1`, [id]))
        .rowCount === 1,
  );
  await eventually(async () => (await waiting()) === 0);
  await age('outbox', ['occurred_at', 'streamed_at', 'shared_at'], '25 hours');
  await eventually(async () => (await sizeOf('outbox')) === 1);
  expect(await sizeOf('webhook_delivery')).toBeGreaterThan(0);
  await world.pool.query(`update webhook_delivery set status = 'DEAD'`);
  await age('webhook_delivery', ['ended_at'], '29 days');
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(await sizeOf('outbox')).toBe(1);
  await age('webhook_delivery', ['ended_at'], '2 days');
  await eventually(async () => (await sizeOf('outbox')) === 0);
  expect(await sizeOf('webhook_delivery')).toBe(0);
});

it('the consumer of docs/operate/events.md runs as it is written', async () => {
  const page = readFileSync('docs/operate/events.md', 'utf8');
  const program = /<<'END'\n(.*?)\nEND/s.exec(page)?.[1] ?? '';
  // In the folder of the clone, as the page says, so that it finds ioredis.
  const path = join(process.cwd(), 'consume.of-the-test.mjs');
  await writeFile(path, program);
  const consumer = spawn(process.execPath, [path, world.redisServer.url, 'a group']);
  try {
    let told = '';
    consumer.stdout.on('data', (chunk) => {
      told += chunk;
    });
    const payment = await buy();
    await eventually(() => told.includes(payment));
    expect(told).toMatch(/^\d{16} payment\.completed\.v1 \{/m);
    await eventually(async () => ((await world.redis.xpending('onsale:events', 'a group')) as [number])[0] === 0);
  } finally {
    consumer.kill();
    await rm(path);
  }
});
