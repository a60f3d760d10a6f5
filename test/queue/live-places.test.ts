import { afterAll, beforeAll, expect, it } from 'vitest';
import { enter, makeQueue } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { leave, line, runOut, until, update } from '../support/places.ts';
import { areKept, areSeen, elsewhere, passAway, seenAt } from '../support/presence.ts';
import { World } from '../support/world.ts';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

const MINE = '{ queueTokens { value queueId userId status position } }';

async function mine(buyer: Buyer): Promise<Data[]> {
  return (await buyer.get(MINE)).queueTokens;
}

it("queueTokens tells the caller's WAITING and ACTIVE places in all queues, the newest first, on every process", async () => {
  const [still, moving, left, strange] = await Promise.all([
    makeQueue(operator, { capacity: 0 }),
    makeQueue(operator, { capacity: 1 }),
    makeQueue(operator, { capacity: 0 }),
    makeQueue(operator, { capacity: 0 }),
  ]);
  const [buyer, other] = (await world.buyers(2)) as [Buyer, Buyer];
  await line([other], still);
  const [waiting] = await line([buyer], still);
  const [active] = await line([buyer], moving);
  const [gone] = await line([buyer], left);
  const [another] = await line([other], strange);
  await leave(gone!);
  await until(active!, 'ACTIVE');

  for (const url of world.urls) {
    expect(await mine(buyer.at(url))).toEqual([
      { value: active!.value, queueId: moving, userId: buyer.id, status: 'ACTIVE', position: null },
      { value: waiting!.value, queueId: still, userId: buyer.id, status: 'WAITING', position: 2 },
    ]);
    expect((await mine(other.at(url))).map(({ value }) => value)).toContain(another!.value);
  }
  expect(await mine(await world.buyer())).toEqual([]);
});

it('a place whose time ran out, or whose queue was closed, is not among them, also before a tick finds out', async () => {
  const queueId = await makeQueue(operator, { capacity: 1 });
  const closing = await makeQueue(operator, { capacity: 0 });
  const [buyer, other] = (await world.buyers(2)) as [Buyer, Buyer];
  const [first] = await line([buyer], queueId);
  const [second] = await line([other], closing);
  await until(first!, 'ACTIVE');
  await runOut(world, [first!]);
  expect(await mine(first!.buyer)).toEqual([]);
  await update(operator, closing, { state: 'CLOSED' });
  expect(await mine(second!.buyer)).toEqual([]);
  expect((await enter(second!.buyer, closing)).code).toBe('QUEUE_CLOSED');
});

it('who reads the own places is there, and who has them read by nobody is not', async () => {
  const queueId = await makeQueue(operator, { capacity: 0, awaySeconds: 4 });
  const [asking, silent] = await line(await world.buyers(2), queueId);
  await areKept(world, [asking!, silent!]);
  const since = await passAway(world, queueId, 12_000);
  await mine(elsewhere(world, asking!).buyer);
  await areSeen(world, [asking!], since);
  expect(await seenAt(world, silent!)).toBeLessThan(since - 4_000);
  await update(operator, queueId, { capacity: 2 });
  await until(asking!, 'ACTIVE');
  await until(silent!, 'EXPIRED');
});
