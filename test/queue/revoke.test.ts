import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { enter, type MadeShow, makeQueue, makeShow, reserve } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { follow, hears, inside, leave, line, look, type Place, statsOf, until } from '../support/places.ts';
import { World } from '../support/world.ts';

const REVOKE = `mutation ($queueId: ID!, $userId: ID!) { revokeToken(queueId: $queueId, userId: $userId) {
  value userId status endReason position activeUntil } }`;
const MAP = 'query ($show: ID!) { seatMap(showId: $show) { number status } }';
const DATES = 'query ($concert: ID!) { availableDates(concertId: $concert) { id } }';
const CHANGES = 'subscription ($show: ID!) { seatChanges(showId: $show) { seats { number status } } }';
const REVOKED = { status: 'EXPIRED', endReason: 'REVOKED', position: null, activeUntil: null };

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

async function revoke(queueId: string, { buyer }: Place): Promise<Data> {
  return (await operator.get(REVOKE, { queueId, userId: buyer.id })).revokeToken;
}

/** A show behind a queue with two ACTIVE places and one that waits. */
async function three(): Promise<{ queueId: string; show: MadeShow; places: [Place, Place, Place] }> {
  const queueId = await makeQueue(operator, { capacity: 2 });
  const show = await makeShow(operator, {}, queueId);
  const places = (await line(await world.buyers(3), queueId)) as [Place, Place, Place];
  await until(places[1], 'ACTIVE');
  return { queueId, show, places };
}

it('an ACTIVE place ends: its holds are free, it opens nothing anywhere, and the next one is let in', async () => {
  const { queueId, show, places } = await three();
  const [active, other, waiting] = places;
  await reserve(inside(active), show.id, show.seats.slice(0, 2));
  await reserve(inside(other), show.id, show.seats.slice(5, 6));
  const [place, seats, watching] = [follow(active), inside(active).watch(CHANGES, { show: show.id }), follow(waiting)];
  const others = inside(other).watch(CHANGES, { show: show.id });
  await Promise.all([hears(place, 'status', 'ACTIVE'), hears(watching, 'position', 1)]);

  expect(await revoke(queueId, active)).toMatchObject({ ...REVOKED, value: active.value, userId: active.buyer.id });

  for (const url of world.urls) {
    expect(await inside(active).at(url).fail(DATES, { concert: show.concertId })).toBe('QUEUE_TOKEN_REQUIRED');
    expect(await look({ ...active, buyer: active.buyer.at(url) })).toMatchObject(REVOKED);
  }
  await hears(place, 'endReason', 'REVOKED');
  expect([await place.ended, await seats.ended]).toEqual([undefined, undefined]);
  await hears(watching, 'status', 'ACTIVE');
  const { seatMap } = await operator.get(MAP, { show: show.id });
  const taken = seatMap.filter(({ status }: Data) => status !== 'AVAILABLE').map(({ number }: Data) => number);
  expect(taken).toEqual([6]);
  expect((await look(other)).status).toBe('ACTIVE');
  expect(await statsOf(operator, queueId)).toMatchObject({ entered: 3, active: 2, waiting: 0, expired: 1, left: 0 });
  await Promise.all([watching.close(), others.close()]);
});

it('a WAITING place ends: those behind move up, and its holder may enter again at the back', async () => {
  const queueId = await makeQueue(operator, { capacity: 0 });
  const places = await line(await world.buyers(3), queueId);
  const feeds = places.map(follow);
  await Promise.all(feeds.map((feed, index) => hears(feed, 'position', index + 1)));

  expect(await revoke(queueId, places[1]!)).toMatchObject(REVOKED);

  await Promise.all([hears(feeds[1]!, 'endReason', 'REVOKED'), hears(feeds[2]!, 'position', 2)]);
  expect(await feeds[1]!.ended).toBeUndefined();
  expect(feeds[0]!.events.every(({ queuePosition }) => queuePosition.position === 1)).toBe(true);
  const again = await enter(places[1]!.buyer, queueId);
  expect(again).toMatchObject({ status: 'WAITING', position: 3 });
  expect(again.value).not.toBe(places[1]!.value);
  expect(await statsOf(operator, queueId)).toMatchObject({ entered: 4, waiting: 3, expired: 1 });
  await Promise.all(feeds.map((feed) => feed.close()));
});

it('who has no live place there cannot lose one: NOT_FOUND, and nothing changes', async () => {
  const { queueId, places } = await three();
  await leave(places[0]);
  await revoke(queueId, places[2]);
  const [stranger] = await line(await world.buyers(1), await makeQueue(operator, { capacity: 1 }));
  const before = await statsOf(operator, queueId);

  for (const { buyer } of [places[0], places[2], stranger!]) {
    expect(await operator.fail(REVOKE, { queueId, userId: buyer.id })).toBe('NOT_FOUND');
  }
  const userId = places[1].buyer.id;
  expect(await operator.fail(REVOKE, { queueId, userId: randomUUID() })).toBe('NOT_FOUND');
  expect(await operator.fail(REVOKE, { queueId: randomUUID(), userId })).toBe('NOT_FOUND');
  expect(await operator.fail(REVOKE, { queueId: 'x', userId })).toBe('BAD_USER_INPUT');
  expect(await operator.fail(REVOKE, { queueId, userId: '\0' })).toBe('BAD_USER_INPUT');

  expect((await look(places[0])).endReason).toBe('LEFT');
  expect((await look(places[1])).status).toBe('ACTIVE');
  const { at: _before, ...counts } = before;
  expect(await statsOf(operator, queueId)).toMatchObject(counts);
});

it('a buyer revokes nobody, not even themselves: FORBIDDEN', async () => {
  const { queueId, places } = await three();
  for (const { buyer } of places) {
    expect(await places[0].buyer.fail(REVOKE, { queueId, userId: buyer.id })).toBe('FORBIDDEN');
  }
  expect(await statsOf(operator, queueId)).toMatchObject({ active: 2, waiting: 1, expired: 0 });
});

it('a place revoked twenty times at once over two processes ends once', async () => {
  const { queueId, places } = await three();
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      operator.at(world.urls[i % 2] as string).ask(REVOKE, { queueId, userId: places[0].buyer.id }),
    ),
  );
  expect(answers.filter(({ errors }) => !errors)).toHaveLength(1);
  expect(await statsOf(operator, queueId)).toMatchObject({ expired: 1, entered: 3 });
});
