import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { makeWebhook, outOfOrder, withoutDoubles } from '../support/events.ts';
import { Receiver } from '../support/receiver.ts';
import { makeProduct, placeOrder } from '../support/shop.ts';
import { World } from '../support/world.ts';

const PRODUCTS = 500;
const PRODUCTS_EACH = 50;
const ORDERS = 20;
const EVENTS = PRODUCTS * ORDERS;
const PROCESSES = 3;
const GROUP = 'sales';

let receiver: Receiver;
let world: World;
beforeAll(async () => {
  receiver = await Receiver.open();
  world = await World.open({ processes: PROCESSES, env: receiver.env });
});
afterAll(async () => {
  await world.close();
  await receiver.close();
});

/** Reads the stream as a consumer group does, from its beginning, and acknowledges what it has read. */
async function consume(seen: Data[], isOver: () => boolean): Promise<void> {
  const redis = world.redisServer.client();
  await redis.xgroup('CREATE', 'onsale:events', GROUP, '0', 'MKSTREAM');
  while (!isOver()) {
    const read = await redis.xreadgroup(
      'GROUP',
      GROUP,
      'one',
      'COUNT',
      500,
      'BLOCK',
      200,
      'STREAMS',
      'onsale:events',
      '>',
    );
    for (const [, entries] of (read ?? []) as [string, [string, string[]][]][]) {
      for (const [, fields] of entries) seen.push(JSON.parse(fields[1] as string));
      await redis.xack('onsale:events', GROUP, ...entries.map(([id]) => id));
    }
  }
  redis.disconnect();
}

/** Orders one piece of each product, again with the same key while the process that was asked is killed. */
async function order(buyer: Buyer, products: readonly string[]): Promise<void> {
  const basket = Object.fromEntries(products.map((id) => [id, 1]));
  const idempotencyKey = randomUUID();
  for (;;) {
    const { url } = world.processes[Math.floor(Math.random() * world.processes.length)] ?? {};
    const placed = await placeOrder(buyer.at(url as string), basket, { idempotencyKey }).catch(() => sleep(50));
    if (placed?.__typename === 'Order') return;
  }
}

it('10,000 events of 500 subjects, while a process is killed every second: each arrives, in the order of its subject', async () => {
  const operator = await world.operator();
  const products: string[] = [];
  for (let n = 0; n < PRODUCTS; n++) products.push(await makeProduct(operator, { stock: ORDERS }));
  await makeWebhook(operator, receiver.url('/events'), ['stock.changed.v1']);
  let isOver = false;
  const streamed: Data[] = [];
  const consuming = consume(streamed, () => isOver);
  const orderAll = async (buyer: Buyer, index: number): Promise<void> => {
    const mine = products.slice(index * PRODUCTS_EACH, (index + 1) * PRODUCTS_EACH);
    for (let n = 0; n < ORDERS; n++) await order(buyer, mine);
  };
  let hasOrdered = false;
  const buyers = await world.buyers(PRODUCTS / PRODUCTS_EACH);
  const ordering = Promise.all(buyers.map(orderAll)).then(() => {
    hasOrdered = true;
  });
  const posted = (): Data[] => receiver.at('/events').map(({ body }) => body);
  const hasAll = (): boolean =>
    hasOrdered && withoutDoubles(streamed).length >= EVENTS && withoutDoubles(posted()).length >= EVENTS;
  let killed = 0;
  while (!hasAll() && killed < 60) {
    const [victim] = world.processes.splice(0, 1);
    await Promise.all([victim?.stop('SIGKILL'), world.startProcess(), sleep(1_000)]);
    killed++;
  }
  await ordering;
  await eventually(hasAll, 30_000);
  isOver = true;
  await consuming;
  const { rows } = await world.pool.query(`select id from outbox where type = 'stock.changed.v1'`);
  expect(rows).toHaveLength(EVENTS);
  expect(killed).toBeGreaterThan(2);
  for (const events of [streamed.filter(({ type }) => type === 'stock.changed.v1'), posted()]) {
    expect(new Set(events.map(({ id }) => id))).toEqual(new Set(rows.map(({ id }) => id)));
    expect(outOfOrder(events)).toEqual([]);
    const stocks = Map.groupBy(withoutDoubles(events), ({ subject }) => subject);
    for (const of of stocks.values()) {
      expect(of.map(({ data }) => data.stock)).toEqual(
        Array.from({ length: ORDERS }, (_, index) => ORDERS - 1 - index),
      );
    }
  }
}, 180_000);
