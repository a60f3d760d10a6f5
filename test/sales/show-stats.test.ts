import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cancelPayment, makeShow, pay, reserve } from '../support/builders.ts';
import type { Buyer, Feed } from '../support/client.ts';
import { World } from '../support/world.ts';

const WATCH = `subscription ($id: ID!) { showStats(showId: $id) { showId at sold held free revenue refunds failedPayments } }`;

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

const watch = (id: string, at = 0): Feed => operator.at(world.urls[at] as string).watch(WATCH, { id });

describe.each([0, 1])('at process %i', (at) => {
  it('showStats tells the counts at once, then what was held, sold, refunded and refused at any process', async () => {
    const show = await makeShow(operator, { seatCount: 10 });
    const feed = watch(show.id, at);
    const { showStats } = await feed.until(() => true);
    const nothing = { sold: 0, held: 0, free: 10, revenue: 0, refunds: 0, failedPayments: 0 };
    expect(showStats).toMatchObject({ showId: show.id, ...nothing });

    const [rich, poor] = (await world.buyers(2)) as [Buyer, Buyer];
    await rich.get('mutation { charge(input: { amount: 9000, idempotencyKey: "k" }) { __typename } }');
    const held = await reserve(rich, show.id, show.seats.slice(0, 2));
    await feed.until(({ showStats: told }) => told.held === 2 && told.free === 8);
    await pay(rich, held.id);
    await feed.until(({ showStats: told }) => told.sold === 2 && told.held === 0 && told.revenue === 2_000);
    const other = await pay(rich, (await reserve(rich, show.id, show.seats.slice(2, 3))).id);
    await cancelPayment(rich, other.id);
    await pay(poor, (await reserve(poor, show.id, show.seats.slice(3, 4))).id);
    const last = await feed.until(({ showStats: told }) => told.failedPayments === 1 && told.held === 1);
    expect(last.showStats).toMatchObject({ sold: 2, held: 1, free: 7, revenue: 3_000, refunds: 1_000 });
    for (const { showStats: told } of feed.events) expect(told.sold + told.held + told.free).toBe(10);
    await feed.close();
  });
});

it('however much happens, it is told at most once a second, and a subscriber that ends leaves the other in peace', async () => {
  const show = await makeShow(operator, { seatCount: 50 });
  const [one, other] = [watch(show.id), watch(show.id)];
  await Promise.all([one.until(() => true), other.until(() => true)]);
  await one.close();
  const begun = Date.now();
  for (const [index, buyer] of (await world.buyers(20)).entries()) {
    await reserve(buyer, show.id, [show.seats[index] as string]);
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  await other.until(({ showStats }) => showStats.held === 20);
  expect(other.events.length).toBeLessThanOrEqual(Math.floor((Date.now() - begun) / 1_000) + 2);
  expect(one.events).toHaveLength(1);
  await other.close();
});

it('an unknown show, text that is no id, and buyers are refused', async () => {
  const { id } = await makeShow(operator);
  for (const [asking, showId, code] of [
    [operator, randomUUID(), 'NOT_FOUND'],
    [operator, 'x', 'BAD_USER_INPUT'],
    [await world.buyer(), id, 'FORBIDDEN'],
  ] as const) {
    const feed = asking.watch(WATCH, { id: showId });
    const told = await feed.until(() => true).catch(() => undefined);
    const errors = told?.errors ?? (await feed.ended);
    expect(errors).toMatchObject([{ extensions: { code } }]);
    await feed.close();
  }
});
