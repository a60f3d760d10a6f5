import { expect, it } from 'vitest';
import { eventually } from '../support/builders.ts';
import { outOfOrder, readStream, withoutDoubles } from '../support/events.ts';
import { makeProduct, restock } from '../support/shop.ts';
import { World } from '../support/world.ts';

const PRODUCTS = 10;
const CHANGES = 20;

/** Changes stocks while three processes relay. @returns the events in the stream, and those of them that came twice */
async function relay(preload: string): Promise<{ events: number; doubles: number; late: number }> {
  const world = await World.open({ processes: 3, preload });
  try {
    const operator = await world.operator();
    const products = await Promise.all(Array.from({ length: PRODUCTS }, () => makeProduct(operator, { stock: 1 })));
    for (let n = 0; n < CHANGES; n++) {
      await Promise.all(
        products.map((id, index) => restock(operator.at(world.urls[(n + index) % 3] as string), id, 1)),
      );
    }
    const waiting = 'select from outbox where streamed_at is null';
    await eventually(async () => (await world.pool.query(waiting)).rowCount === 0);
    const told = (await readStream(world.redis)).filter(({ type }) => type === 'stock.changed.v1');
    const once = withoutDoubles(told);
    return { events: once.length, doubles: told.length - once.length, late: outOfOrder(told).length };
  } finally {
    await world.close();
  }
}

it('of three relays that share the outbox none takes what another one is taking: each event is in the stream once', async () => {
  expect(await relay('./slow-relays.ts')).toEqual({ events: PRODUCTS * CHANGES, doubles: 0, late: 0 });
});

it('without their leases they take the same events', async () => {
  const { events, doubles } = await relay('./without-relay-lease.ts');
  expect(events).toBe(PRODUCTS * CHANGES);
  expect(doubles).toBeGreaterThan(0);
});
