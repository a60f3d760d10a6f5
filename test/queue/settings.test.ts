import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enter, eventually, makeQueue } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import { activeIn, leave, line, look, pause, refusalOf, statsOf, statuses, until, update } from '../support/places.ts';
import { World } from '../support/world.ts';

const CREATE = 'mutation ($input: CreateQueueInput!) { createQueue(input: $input) { id } }';
const UPDATE = 'mutation ($input: UpdateQueueInput!) { updateQueue(input: $input) { id } }';
const READ = `query ($id: ID!) { queue(id: $id) {
  id name state opensAt capacity admitPerMinute entriesPerMinute activeSeconds maxWaiting reenter awaySeconds } }`;
const SOME_TICKS = 800;

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

describe.each([1, 2])('with %i processes', (processes) => {
  const buyers = async (count: number): Promise<Buyer[]> =>
    (await world.buyers(count)).map((buyer, index) => buyer.at(world.urls[index % processes] as string));
  const there = (): Buyer => operator.at(world.urls[processes - 1] as string);

  it('more capacity lets the next in at the next tick; less evicts nobody and admits nobody until there is room', async () => {
    const queueId = await makeQueue(operator, { capacity: 1 });
    const places = await line(await buyers(6), queueId);
    await until(places[0]!, 'ACTIVE');

    await update(there(), queueId, { capacity: 4 });
    await until(places[3]!, 'ACTIVE');
    expect(await statuses(places)).toEqual([...Array(4).fill('ACTIVE'), 'WAITING', 'WAITING']);

    await update(there(), queueId, { capacity: 2 });
    await leave(places[0]!);
    await leave(places[1]!);
    await pause(SOME_TICKS);
    expect(await statuses(places)).toEqual(['LEFT', 'LEFT', 'ACTIVE', 'ACTIVE', 'WAITING', 'WAITING']);
    await leave(places[2]!);
    await until(places[4]!, 'ACTIVE');
    expect(await look(places[5]!)).toMatchObject({ status: 'WAITING', position: 1 });
    expect(await activeIn(world, queueId)).toBe(2);
  });

  it('60 admissions a minute are spread over it instead of coming at once, and null lifts the rate', async () => {
    const queueId = await makeQueue(operator, { capacity: 1_000, admitPerMinute: 60 });
    const places = await line(await buyers(30), queueId);
    await until(places[1]!, 'ACTIVE');

    const [first, second] = await Promise.all([look(places[0]!), look(places[1]!)]);
    expect(Date.parse(second.activatedAt) - Date.parse(first.activatedAt)).toBeGreaterThan(900);
    const { admitted, waiting } = await statsOf(operator, queueId);
    expect(admitted).toBeGreaterThanOrEqual(2);
    expect(admitted).toBeLessThan(10);
    expect(waiting).toBe(30 - admitted);
    await eventually(async () => (await look(places[20]!)).etaSeconds !== null);
    expect((await look(places[29]!)).etaSeconds).toBeGreaterThan((await look(places[20]!)).etaSeconds);

    expect(await update(there(), queueId, { admitPerMinute: null })).toMatchObject({ admitPerMinute: null });
    await eventually(async () => (await activeIn(world, queueId)) === 30);
    expect(await statsOf(operator, queueId)).toMatchObject({ admitted: 30, waiting: 0, admittedPerMinute: 30 });
  });

  it('a rate set at run time bounds later admissions; one left out of an update stays; 0 admits nobody', async () => {
    const queueId = await makeQueue(operator, { capacity: 0 });
    const places = await line(await buyers(10), queueId);

    await update(there(), queueId, { admitPerMinute: 0 });
    expect(await update(there(), queueId, { capacity: 10 })).toMatchObject({ admitPerMinute: 0, capacity: 10 });
    await pause(SOME_TICKS);
    expect(await statsOf(operator, queueId)).toMatchObject({ admitted: 0, waiting: 10 });

    await update(there(), queueId, { admitPerMinute: 1 });
    await until(places[0]!, 'ACTIVE');
    await pause(SOME_TICKS);
    expect(await statsOf(operator, queueId)).toMatchObject({ admitted: 1, waiting: 9 });
  });

  it('activeSeconds changes how long those are ACTIVE who are admitted later, not those who are', async () => {
    const queueId = await makeQueue(operator, { capacity: 1, activeSeconds: 100 });
    const places = await line(await buyers(2), queueId);
    await until(places[0]!, 'ACTIVE');
    const before = await look(places[0]!);

    await update(there(), queueId, { activeSeconds: 700 });
    await update(there(), queueId, { capacity: 2 });
    await until(places[1]!, 'ACTIVE');

    const lasts = ({ activatedAt, activeUntil }: { activatedAt: string; activeUntil: string }) =>
      Date.parse(activeUntil) - Date.parse(activatedAt);
    expect(lasts(before)).toBe(100_000);
    expect(await look(places[0]!)).toMatchObject({ activeUntil: before.activeUntil });
    expect(lasts(await look(places[1]!))).toBe(700_000);
  });

  it('maxWaiting changes what is taken next and puts nobody out', async () => {
    const queueId = await makeQueue(operator, { capacity: 0, maxWaiting: 3 });
    const places = await line(await buyers(3), queueId);
    const [late, later] = (await buyers(2)) as [Buyer, Buyer];
    expect(await enter(late, queueId)).toMatchObject({ code: 'QUEUE_FULL' });

    await update(there(), queueId, { maxWaiting: 4 });
    expect(await enter(late, queueId)).toMatchObject({ status: 'WAITING', position: 4 });
    await update(there(), queueId, { maxWaiting: 1 });

    expect(await enter(later, queueId)).toMatchObject({ code: 'QUEUE_FULL' });
    expect(await statuses(places)).toEqual(Array(3).fill('WAITING'));
    expect(await statsOf(operator, queueId)).toMatchObject({ waiting: 4, expired: 0, left: 0 });
  });
});

it.each([
  ['name', ''],
  ['name', 'n'.repeat(201)],
  ['capacity', -1],
  ['capacity', 1_000_001],
  ['admitPerMinute', -1],
  ['entriesPerMinute', 0],
  ['entriesPerMinute', 1_000_001],
  ['activeSeconds', 0],
  ['maxWaiting', -1],
  ['awaySeconds', 0],
])('createQueue refuses %s %j as BAD_USER_INPUT and makes no queue', async (key, value) => {
  const count = async () => (await world.pool.query('select count(*)::int as n from queue')).rows[0].n;
  const before = await count();
  expect(await operator.fail(CREATE, { input: { name: 'a queue', capacity: 1, [key]: value } })).toBe('BAD_USER_INPUT');
  expect(await count()).toBe(before);
});

it('updateQueue refuses numbers out of bounds and null where a number is needed, and changes nothing', async () => {
  const id = await makeQueue(operator, { capacity: 3, admitPerMinute: 30 });
  const before = await operator.get(READ, { id });
  const wrong = [
    ...[
      { capacity: -1 },
      { capacity: 1_000_001 },
      { admitPerMinute: -1 },
      { entriesPerMinute: 0 },
      { activeSeconds: 0 },
      { maxWaiting: -1 },
    ],
    ...[{ capacity: null }, { activeSeconds: null }, { maxWaiting: null }, { state: null }, { state: 'AJAR' }],
    { maxWaiting: 5, capacity: -1 },
  ];
  for (const input of wrong) expect(await operator.fail(UPDATE, { input: { id, ...input } })).toBe('BAD_USER_INPUT');
  expect(await operator.get(READ, { id })).toEqual(before);
});

it('a queue tells the settings it was made with, and an update changes only what it names', async () => {
  const made = {
    name: 'the front',
    capacity: 7,
    admitPerMinute: 8,
    entriesPerMinute: 9,
    activeSeconds: 9,
    maxWaiting: 10,
  };
  const id = await makeQueue(operator, { ...made, reenter: true, awaySeconds: 11 });
  const all = { ...made, id, state: 'OPEN', opensAt: null, reenter: true, awaySeconds: 11 };
  expect((await operator.get(READ, { id })).queue).toEqual(all);
  await update(operator, id, { capacity: 0, state: 'PAUSED' });
  expect((await operator.get(READ, { id })).queue).toEqual({ ...all, capacity: 0, state: 'PAUSED' });
});

it('only an operator may make, change, read or watch a queue: a buyer gets FORBIDDEN and nothing changes', async () => {
  const buyer = await world.buyer();
  const id = await makeQueue(operator, { capacity: 3 });
  const before = await operator.get(READ, { id });
  expect(await buyer.fail(CREATE, { input: { name: 'mine', capacity: 1 } })).toBe('FORBIDDEN');
  expect(await buyer.fail(UPDATE, { input: { id, capacity: 1_000 } })).toBe('FORBIDDEN');
  expect(await buyer.fail(READ, { id })).toBe('FORBIDDEN');
  const feed = buyer.watch('subscription ($id: ID!) { queueStats(queueId: $id) { waiting } }', { id });
  expect((await refusalOf(feed)).extensions.code).toBe('FORBIDDEN');
  expect(await operator.get(READ, { id })).toEqual(before);
  const named = await world.pool.query(`select 1 from queue where name = 'mine'`);
  expect(named.rowCount).toBe(0);
});

it('a queue that is not there is null to read, NOT_FOUND to change or watch', async () => {
  const id = randomUUID();
  expect(await operator.get(READ, { id })).toEqual({ queue: null });
  expect(await operator.fail(UPDATE, { input: { id, capacity: 1 } })).toBe('NOT_FOUND');
  expect(await operator.fail(READ, { id: 'x' })).toBe('BAD_USER_INPUT');
  expect(await operator.fail(UPDATE, { input: { id: 'x', capacity: 1 } })).toBe('BAD_USER_INPUT');
  const feed = operator.watch('subscription ($id: ID!) { queueStats(queueId: $id) { waiting } }', { id });
  expect((await refusalOf(feed)).extensions.code).toBe('NOT_FOUND');
});
