import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, makeQueue } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { drawn, makeScheduled, openNow, shuffleOf } from '../support/openings.ts';
import { line, look, pause, update } from '../support/places.ts';
import { World } from '../support/world.ts';

const HOUR = 3_600_000;
const UPDATE = 'mutation ($input: UpdateQueueInput!) { updateQueue(input: $input) { id } }';
const READ = `query ($id: ID!) { queue(id: $id) { name state opensAt reenter awaySeconds } }`;

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

const there = (): Buyer => operator.at(world.urls[1] as string);
const read = async (id: string): Promise<Data> => (await operator.get(READ, { id })).queue;
const fromNow = (ms: number): Date => new Date(Date.now() + ms);

it('name, awaySeconds and reenter change, and what is left out stays', async () => {
  const id = await makeQueue(operator, { name: 'before', capacity: 0, awaySeconds: 100 });
  await update(there(), id, { name: 'after', reenter: true });
  expect(await read(id)).toEqual({ name: 'after', state: 'OPEN', opensAt: null, reenter: true, awaySeconds: 100 });
  await update(there(), id, { awaySeconds: 7 });
  expect(await read(id)).toMatchObject({ name: 'after', reenter: true, awaySeconds: 7 });
});

it('reenter holds for whoever is ACTIVE when it changes: the place that runs out goes to the back', async () => {
  const id = await makeQueue(operator, { capacity: 1, activeSeconds: 2, reenter: false });
  const [first] = await line(await world.buyers(2), id);
  await eventually(async () => (await look(first!)).status === 'ACTIVE');
  await update(there(), id, { reenter: true, activeSeconds: 600 });
  await eventually(async () => (await look(first!)).status === 'WAITING');
  expect(await look(first!)).toMatchObject({ status: 'WAITING', endReason: null });
});

it('an opening that is brought forward comes then, and is drawn from everybody who waits', async () => {
  const id = await makeScheduled(operator, HOUR, { capacity: 1 });
  const places = await line(await world.buyers(5), id);
  await update(there(), id, { opensAt: fromNow(1_500) });
  expect((await drawn(world.urls[0] as string, id)).order).toHaveLength(5);
  await eventually(async () => (await Promise.all(places.map(look))).some(({ status }) => status === 'ACTIVE'));
  expect((await read(id)).state).toBe('OPEN');
});

it('an opening that is put off does not come at the former time', async () => {
  const id = await makeScheduled(operator, 2_000);
  await line(await world.buyers(3), id);
  const later = fromNow(HOUR);
  await update(there(), id, { opensAt: later });
  await pause(3_000);
  expect(await read(id)).toMatchObject({ state: 'SCHEDULED', opensAt: later.toISOString() });
  expect((await shuffleOf(world.urls[0] as string, id)).seed).toBeNull();
});

it('an opening that was put off while Redis was away does not come at the former time either', async () => {
  const id = await makeScheduled(operator, 1_500);
  await line(await world.buyers(3), id);
  const { rows } = await world.pool.query(
    `update queue set opens_at = opens_at + interval '1 hour', version = version + 1 where id = $1 returning opens_at`,
    [id],
  );
  await pause(2_500);
  expect(await read(id)).toMatchObject({ state: 'SCHEDULED', opensAt: rows[0].opens_at.toISOString() });
  expect((await shuffleOf(world.urls[0] as string, id)).seed).toBeNull();
});

it('opensAt is refused in the past, with a state that opens or closes, and once the queue has opened', async () => {
  const id = await makeScheduled(operator);
  const before = await read(id);
  for (const input of [
    { opensAt: fromNow(-1_000) },
    { opensAt: null },
    { opensAt: fromNow(2 * HOUR), state: 'OPEN' },
    { opensAt: fromNow(2 * HOUR), state: 'CLOSED' },
    { name: '', opensAt: fromNow(2 * HOUR) },
    { name: null },
    { name: 'n'.repeat(201) },
    { reenter: null },
    { awaySeconds: 0 },
    { awaySeconds: 86_401 },
    { awaySeconds: null },
  ])
    expect([input, await operator.fail(UPDATE, { input: { id, ...input } })]).toEqual([input, 'BAD_USER_INPUT']);
  expect(await read(id)).toEqual(before);
  await openNow(operator, id);
  const opened = await read(id);
  expect(await operator.fail(UPDATE, { input: { id, opensAt: fromNow(HOUR) } })).toBe('BAD_USER_INPUT');
  const never = await makeQueue(operator, { capacity: 1 });
  expect(await operator.fail(UPDATE, { input: { id: never, opensAt: fromNow(HOUR) } })).toBe('BAD_USER_INPUT');
  expect([await read(id), (await read(never)).opensAt]).toEqual([opened, null]);
});
