import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enter, eventually } from '../support/builders.ts';
import { type Buyer, post } from '../support/client.ts';
import {
  codesOf,
  drawn,
  enterWith,
  expectedOrder,
  makeScheduled,
  openNow,
  publicIdOf,
  shuffleOf,
} from '../support/openings.ts';
import {
  activeIn,
  follow,
  hears,
  leave,
  line,
  look,
  type Place,
  pause,
  positions,
  statsOf,
  statuses,
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

/** The places in the order drawn. */
function inOrder(places: Place[], order: string[]): Place[] {
  return order.map((id) => places.find((place) => publicIdOf(place) === id) as Place);
}

describe('before the opening', () => {
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
    const count = async (): Promise<number> =>
      (await world.pool.query('select count(*)::int as n from queue')).rows[0].n;
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

  it('closing it ends every place with QUEUE_CLOSED, and it is never drawn', async () => {
    const queueId = await makeScheduled(operator, 2_500, { capacity: 3 });
    const places = await line(await world.buyers(4), queueId);
    const feed = follow(places[0]!);
    await hears(feed, 'status', 'WAITING');

    await update(operator, queueId, { state: 'CLOSED' });

    for (const place of places)
      expect(await look(place)).toMatchObject({ status: 'EXPIRED', endReason: 'QUEUE_CLOSED' });
    await hears(feed, 'endReason', 'QUEUE_CLOSED');
    expect(await enter(places[0]!.buyer, queueId)).toMatchObject({ code: 'QUEUE_CLOSED' });
    await pause(3_500);
    expect(await shuffleOf(url(), queueId)).toMatchObject({ seed: null, order: [], entrants: 0 });
    expect(await statsOf(operator, queueId)).toMatchObject({ entered: 4, expired: 4, waiting: 0, admitted: 0 });
    expect((await world.pool.query('select 1 from queue_shuffle_part where queue_id = $1', [queueId])).rows).toEqual(
      [],
    );
  });
});

describe('the opening', () => {
  it('comes by itself at opensAt, in the order that the seed prescribes, and lets people in from its front', async () => {
    const queueId = await makeScheduled(operator, 2_000, { capacity: 2 });
    const places = await line(await world.buyers(12), queueId);
    const feeds = places.map(follow);
    await Promise.all(feeds.map((feed) => hears(feed, 'position', null)));
    expect(await activeIn(world, queueId)).toBe(0);

    const { seed, order, entrants } = await drawn(url(), queueId, 8_000);

    expect(entrants).toBe(12);
    expect(order).toEqual(expectedOrder(seed as string, places.map(publicIdOf)));
    const sorted = inOrder(places, order);
    await eventually(async () => (await activeIn(world, queueId)) === 2);
    expect(await statuses(sorted.slice(0, 2))).toEqual(['ACTIVE', 'ACTIVE']);
    expect(await positions(sorted.slice(2))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    for (const [index, place] of sorted.entries()) {
      const feed = feeds[places.indexOf(place)]!;
      if (index < 2) await hears(feed, 'status', 'ACTIVE');
      else await hears(feed, 'position', index - 1);
      const said = feed.events.map(({ queuePosition }) => queuePosition.position);
      for (const position of said) expect([null, index - 1, index, index + 1]).toContain(position);
    }
    expect((await operator.get('query ($id: ID!) { queue(id: $id) { state } }', { id: queueId })).queue.state).toBe(
      'OPEN',
    );
    await Promise.all(feeds.map((feed) => feed.close()));
  });

  it.each([1, 2])(
    'by the operator draws at once, and every one of %i processes agrees on every place',
    async (processes) => {
      const queueId = await makeScheduled(operator);
      const places = await line(await world.buyers(30), queueId);
      const before = Date.now();

      expect(await openNow(operator, queueId)).toMatchObject({ state: 'OPEN' });

      const { opensAt } = (await operator.get('query ($id: ID!) { queue(id: $id) { opensAt } }', { id: queueId }))
        .queue;
      expect(Math.abs(Date.parse(opensAt) - before)).toBeLessThan(5_000);
      const { seed, order } = await shuffleOf(url(), queueId);
      expect(order).toEqual(expectedOrder(seed as string, places.map(publicIdOf)));
      const sorted = inOrder(places, order);
      const expected = sorted.map((_place, index) => index + 1);
      for (let i = 0; i < processes; i++) {
        const there = sorted.map(({ buyer, value }) => ({ buyer: buyer.at(url(i)), value }));
        expect(await positions(there)).toEqual(expected);
        await pause(SOME_TICKS);
        expect(await positions(there)).toEqual(expected);
        const feeds = there.map(follow);
        await Promise.all(feeds.map((feed, index) => hears(feed, 'position', index + 1)));
        await Promise.all(feeds.map((feed) => feed.close()));
      }
      expect(await statsOf(operator, queueId)).toMatchObject({ entered: 30, waiting: 30, active: 0, left: 0 });
    },
  );

  it('leaves out who left before it, and puts behind everybody who comes after it', async () => {
    const queueId = await makeScheduled(operator);
    const places = await line(await world.buyers(9), queueId);
    await leave(places[2]!);
    await leave(places[8]!);
    const there = places.filter((_place, index) => index !== 2 && index !== 8);
    expect(await shuffleOf(url(), queueId)).toMatchObject({ entrants: 7 });

    await openNow(operator, queueId);
    const late = await line([places[2]!.buyer, await world.buyer()], queueId);

    const { order, entrants, seed } = await shuffleOf(url(), queueId);
    expect(entrants).toBe(7);
    expect(order).toEqual(expectedOrder(seed as string, there.map(publicIdOf)));
    expect(await positions([...inOrder(there, order), ...late])).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await look(places[2]!)).toMatchObject({ status: 'LEFT', endReason: 'LEFT' });
    expect(await statsOf(operator, queueId)).toMatchObject({ entered: 11, left: 2, waiting: 9 });
  });

  it('draws each lane for itself, and who shows a code meanwhile is drawn in its lane with the same token', async () => {
    const queueId = await makeScheduled(operator);
    const high = await codesOf(operator, queueId, 7, 6);
    const [low] = (await codesOf(operator, queueId, 2, 1)) as [string];
    const buyers = await world.buyers(16);
    const plain = await line(buyers.slice(0, 10), queueId);
    const coded = await Promise.all(
      buyers.slice(10, 15).map((buyer, i) => enterWith(buyer, queueId, high[i] as string)),
    );
    const one = await enterWith(buyers[15] as Buyer, queueId, low);
    const moved = await enterWith(plain[4]!.buyer, queueId, high[5] as string);
    expect(moved.value).toBe(plain[4]!.value);
    expect(await look(moved)).toMatchObject({ status: 'WAITING', position: null, waiting: 16 });

    await openNow(operator, queueId);

    const lanes = [[...coded, moved], [one], plain.filter((_place, index) => index !== 4)];
    const all = lanes.flat().map(publicIdOf);
    const sorted: Place[] = [];
    for (const [index, priority] of [7, 2, 0].entries()) {
      const { order, seed, entrants } = await shuffleOf(url(index), queueId, { priority });
      expect(entrants).toBe(16);
      expect(order).toEqual(expectedOrder(seed as string, lanes[index]!.map(publicIdOf), all));
      sorted.push(...inOrder(lanes[index]!, order));
    }
    expect(await positions(sorted)).toEqual(sorted.map((_place, index) => index + 1));
    expect((await shuffleOf(url(), queueId, { priority: 3 })).order).toEqual([]);
  });

  it('opens a queue with nobody in it too, whose shuffle is then empty', async () => {
    const queueId = await makeScheduled(operator, 1_200, { capacity: 1 });
    const { seed, commitment } = await drawn(url(), queueId, 8_000);
    expect(await shuffleOf(url(), queueId)).toMatchObject({ entrants: 0, order: [] });
    expect(
      createHash('sha256')
        .update(Buffer.from(seed as string, 'hex'))
        .digest('hex'),
    ).toBe(commitment);
    const [place] = (await line(await world.buyers(1), queueId)) as [Place];
    await eventually(async () => (await look(place)).status === 'ACTIVE');
  });
});

describe('queueShuffle', () => {
  it('is null for an unknown queue and for one that was never SCHEDULED', async () => {
    const query = 'query ($id: ID!) { queueShuffle(queueId: $id) { commitment } }';
    const made = 'mutation { createQueue(input: { name: "q", capacity: 1 }) { id } }';
    const { id } = (await operator.get(made)).createQueue;
    for (const queueId of [id, '0198c0de-0000-7000-8000-000000000000']) {
      expect(await post(url(), query, { id: queueId })).toMatchObject({
        data: { queueShuffle: null },
        errors: undefined,
      });
    }
    expect((await post(url(), query, { id: 'no id' })).errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
  });

  it('tells the order by pages, in bounds', async () => {
    const queueId = await makeScheduled(operator);
    await line(await world.buyers(7), queueId);
    await openNow(operator, queueId);
    const { order } = await shuffleOf(url(), queueId);
    expect((await shuffleOf(url(), queueId, { first: 3 })).order).toEqual(order.slice(0, 3));
    expect((await shuffleOf(url(), queueId, { first: 3, offset: 3 })).order).toEqual(order.slice(3, 6));
    expect((await shuffleOf(url(), queueId, { first: 3, offset: 6 })).order).toEqual(order.slice(6));
    expect((await shuffleOf(url(), queueId, { first: 3, offset: 7 })).order).toEqual([]);
    expect((await shuffleOf(url(), queueId, { offset: 2 ** 31 - 1 })).order).toEqual([]);
    for (const page of [{ first: 0 }, { first: 10_001 }, { offset: -1 }, { priority: -1 }, { priority: 10 }]) {
      await expect(shuffleOf(url(), queueId, page)).rejects.toThrow('BAD_USER_INPUT');
    }
  });
});
