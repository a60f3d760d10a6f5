import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { enter, makeShow } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import { makeScheduled, openNow, shuffleOf } from '../support/openings.ts';
import {
  activeIn,
  follow,
  hears,
  inside,
  leave,
  line,
  look,
  type Place,
  pause,
  statsOf,
  update,
} from '../support/places.ts';
import { World } from '../support/world.ts';

const HOUR_S = 3_600;
const SOME_TICKS = 800;

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

const url = (index = 0): string => world.urls[index % world.urls.length] as string;

it('who enters has no place yet, and at least the time to opensAt to wait, however it is asked', async () => {
  const queueId = await makeScheduled(operator, HOUR_S * 1_000, { capacity: 5 });
  const { opensAt, state } = (
    await operator.get('query ($id: ID!) { queue(id: $id) { opensAt state } }', { id: queueId })
  ).queue;
  expect(state).toBe('SCHEDULED');
  const [buyer, other] = (await world.buyers(2)) as [Buyer, Buyer];

  const entered = await enter(buyer, queueId);
  await enter(other, queueId);
  const place = { buyer, value: entered.value };
  const feed = follow(place);
  const told = (await feed.until(({ queuePosition }) => queuePosition.waiting === 2)).queuePosition;
  await pause(SOME_TICKS);
  const polls = [await look(place), await look(place), await look({ ...place, buyer: buyer.at(url(1)) })];

  for (const token of [entered, told, ...polls]) {
    expect(token).toMatchObject({ status: 'WAITING', position: null, percentBehind: null, activatedAt: null });
    expect(token.endReason).toBeNull();
    const toOpening = (Date.parse(opensAt) - Date.now()) / 1_000;
    expect(token.etaSeconds).toBeGreaterThanOrEqual(Math.floor(toOpening));
    expect(token.etaSeconds).toBeLessThanOrEqual(HOUR_S + 1);
  }
  expect(polls.map(({ waiting }) => waiting)).toEqual([2, 2, 2]);
  expect(await activeIn(world, queueId)).toBe(0);
  expect(await statsOf(operator, queueId)).toMatchObject({ entered: 2, waiting: 2, active: 0, admitted: 0 });
  expect(await enter(buyer.at(url(1)), queueId)).toMatchObject({ value: entered.value, position: null });
  await feed.close();
});

it('anybody reads the commitment, and nobody the seed or an order', async () => {
  const queueId = await makeScheduled(operator);
  await line(await world.buyers(3), queueId);
  const before = await shuffleOf(url(), queueId);
  expect(before).toMatchObject({ queueId, seed: null, order: [], entrants: 3 });
  expect(before.commitment).toMatch(/^[0-9a-f]{64}$/);
  const other = await shuffleOf(url(1), await makeScheduled(operator));
  expect(other.commitment).not.toBe(before.commitment);

  await openNow(operator, queueId);

  const after = await shuffleOf(url(1), queueId);
  expect(after.commitment).toBe(before.commitment);
  expect(
    createHash('sha256')
      .update(Buffer.from(after.seed as string, 'hex'))
      .digest('hex'),
  ).toBe(before.commitment);
  expect(after).toMatchObject({ entrants: 3 });
  expect(after.order).toHaveLength(3);
});

it('an opening that is not in the future is refused, and no queue made', async () => {
  const count = async (): Promise<number> => (await world.pool.query('select count(*)::int as n from queue')).rows[0].n;
  const before = await count();
  const query = 'mutation ($input: CreateQueueInput!) { createQueue(input: $input) { id } }';
  for (const opensAt of [new Date(Date.now() - 1_000), new Date(0), 'tomorrow', '2026-07-04']) {
    expect(await operator.fail(query, { input: { name: 'q', capacity: 1, opensAt } })).toBe('BAD_USER_INPUT');
  }
  expect(await count()).toBe(before);
  expect((await world.pool.query('select count(*)::int as n from queue_shuffle')).rows[0].n).toBeLessThanOrEqual(
    before,
  );
});

it('it cannot be PAUSED, nor can a queue that has opened be SCHEDULED, and nothing changes', async () => {
  const queueId = await makeScheduled(operator);
  const [place] = (await line(await world.buyers(1), queueId)) as [Place];
  const query = 'mutation ($input: UpdateQueueInput!) { updateQueue(input: $input) { state } }';
  const row = async () => (await world.pool.query('select * from queue where id = $1', [queueId])).rows[0];
  const before = await row();
  expect(await operator.fail(query, { input: { id: queueId, state: 'PAUSED', capacity: 9 } })).toBe('BAD_USER_INPUT');
  expect(await row()).toEqual(before);
  expect(await look(place)).toMatchObject({ status: 'WAITING', position: null });

  await openNow(operator, queueId);
  const opened = await row();
  expect(await operator.fail(query, { input: { id: queueId, state: 'SCHEDULED' } })).toBe('BAD_USER_INPUT');
  expect(await row()).toEqual(opened);
  expect(await look(place)).toMatchObject({ status: 'WAITING', position: 1 });
});

it('it takes as many as maxWaiting, and again when somebody leaves', async () => {
  const queueId = await makeScheduled(operator, HOUR_S * 1_000, { maxWaiting: 2 });
  const [one, two, three] = (await world.buyers(3)) as [Buyer, Buyer, Buyer];
  const [place] = (await line([one, two], queueId)) as [Place];
  expect(await enter(three, queueId)).toMatchObject({ code: 'QUEUE_FULL' });
  expect(await leave(place)).toMatchObject({ status: 'LEFT', position: null, waiting: 1 });
  expect(await enter(three, queueId)).toMatchObject({ status: 'WAITING', waiting: 2 });
  expect(await shuffleOf(url(), queueId)).toMatchObject({ entrants: 2 });
});

it('what stands behind it is closed to who waits in it, and says that it is SCHEDULED', async () => {
  const queueId = await makeScheduled(operator, HOUR_S * 1_000, { capacity: 5 });
  const { concertId } = await makeShow(operator, {}, queueId);
  const [place] = (await line(await world.buyers(1), queueId)) as [Place];
  const dates = 'query ($id: ID!) { availableDates(concertId: $id) { id } }';
  const { errors } = await inside(place).ask(dates, { id: concertId });
  expect(errors?.[0]?.extensions).toMatchObject({
    ...{ code: 'QUEUE_TOKEN_REQUIRED', queue: { id: queueId, state: 'SCHEDULED' } },
  });
});

it('closing it ends every place with QUEUE_CLOSED, and it is never drawn', async () => {
  const queueId = await makeScheduled(operator, 2_500, { capacity: 3 });
  const places = await line(await world.buyers(4), queueId);
  const feed = follow(places[0]!);
  await hears(feed, 'status', 'WAITING');

  await update(operator, queueId, { state: 'CLOSED' });

  for (const place of places) expect(await look(place)).toMatchObject({ status: 'EXPIRED', endReason: 'QUEUE_CLOSED' });
  await hears(feed, 'endReason', 'QUEUE_CLOSED');
  expect(await enter(places[0]!.buyer, queueId)).toMatchObject({ code: 'QUEUE_CLOSED' });
  await pause(3_500);
  expect(await shuffleOf(url(), queueId)).toMatchObject({ seed: null, order: [], entrants: 0 });
  expect(await statsOf(operator, queueId)).toMatchObject({ entered: 4, expired: 4, waiting: 0, admitted: 0 });
  expect((await world.pool.query('select 1 from queue_shuffle_part where queue_id = $1', [queueId])).rows).toEqual([]);
});
