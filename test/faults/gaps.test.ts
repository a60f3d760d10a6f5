import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, makeQueue } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import { follow, hears, leave, line, type Place, pause, update } from '../support/places.ts';
import { World } from '../support/world.ts';

const READ = 'query ($value: ID!) { queueToken(value: $value) { position status } }';
const GAP_MS = 5_000;
const MAX_AGE_MS = 2_000;
/** What a process and its clock may be late on a busy machine. */
const SLACK_MS = 1_000;

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

/** What the polls of one place told, and when each was asked. */
interface Told {
  readonly askedAt: number;
  readonly position: number | null | undefined;
  readonly code: string | undefined;
}

/** Polls the place at a process all the time until it is stopped. */
function poll({ buyer, value }: Place, url: string): () => Promise<Told[]> {
  const told: Told[] = [];
  let ended = false;
  const polling = (async () => {
    while (!ended) {
      const askedAt = Date.now();
      const { data, errors } = await buyer.at(url).ask(READ, { value });
      told.push({ askedAt, position: data?.queueToken?.position, code: errors?.[0]?.extensions.code });
      await pause(50);
    }
    return told;
  })();
  return () => {
    ended = true;
    return polling;
  };
}

/** The place of the last of `count`, before and after others leave; by when each of the places was the true one. */
async function watched(count: number): Promise<{ queueId: string; places: Place[]; last: Place }> {
  const queueId = await makeQueue(operator, { capacity: 0 });
  const places = await line(await world.buyers(count), queueId);
  const last = places.at(-1) as Place;
  for (const url of world.urls) {
    await eventually(
      async () => (await last.buyer.at(url).get(READ, { value: last.value })).queueToken.position === count,
    );
  }
  return { queueId, places, last };
}

describe('no place is told that is older than two seconds without asking Redis', () => {
  it('while every published message is lost for 5 seconds: polls go on and are right', async () => {
    const { places, last } = await watched(12);
    const stops = world.urls.map((url) => poll(last, url));
    const left: number[] = [];
    for (const end = Date.now() + GAP_MS, leavers = places.slice(0, 10); Date.now() < end; await pause(40)) {
      await world.redis.client('KILL', 'TYPE', 'pubsub');
      if (leavers.length > 0 && Date.now() > end - GAP_MS + left.length * 450) {
        await leave(leavers.shift()!);
        left.push(Date.now());
      }
    }
    expect(left.length).toBeGreaterThan(5);
    for (const told of await Promise.all(stops.map((stop) => stop()))) {
      expect(told.length).toBeGreaterThan(20);
      for (const { askedAt, position, code } of told) {
        expect(code).toBeUndefined();
        const certainly = left.filter((at) => at < askedAt - MAX_AGE_MS - SLACK_MS).length;
        expect(position).toBeLessThanOrEqual(12 - certainly);
      }
    }
    for (const url of world.urls) {
      await eventually(
        async () =>
          (await last.buyer.at(url).get(READ, { value: last.value })).queueToken.position === 12 - left.length,
      );
    }
  });

  it('while Redis answers nothing for 5 seconds: a poll says SERVICE_UNAVAILABLE once what is known is that old', async () => {
    const { last } = await watched(3);
    const frozenAt = Date.now();
    world.redisServer.freeze();
    const stops = world.urls.map((url) => poll(last, url));
    await pause(GAP_MS);
    world.redisServer.thaw();
    const thawedAt = Date.now();
    for (const told of await Promise.all(stops.map((stop) => stop()))) {
      const during = told.filter(
        ({ askedAt }) => askedAt > frozenAt + MAX_AGE_MS + SLACK_MS && askedAt < thawedAt - 1_500,
      );
      expect(during.length).toBeGreaterThan(0);
      expect(new Set(during.map(({ code }) => code))).toEqual(new Set(['SERVICE_UNAVAILABLE']));
      const known = told.filter(({ position }) => position !== undefined);
      expect(new Set(known.map(({ position }) => position)), 'no place but the true one').toEqual(new Set([3]));
    }
  });

  it('after Redis lost its memory: within two seconds nobody is told a place that is not there any more', async () => {
    const { last } = await watched(5);
    const stops = world.urls.map((url) => poll(last, url));
    await world.redis.flushall();
    const lostAt = Date.now();
    await pause(GAP_MS);
    for (const told of await Promise.all(stops.map((stop) => stop()))) {
      const after = told.filter(({ askedAt }) => askedAt > lostAt + MAX_AGE_MS + SLACK_MS);
      expect(after.length).toBeGreaterThan(10);
      expect(new Set(after.map(({ position }) => position))).toEqual(new Set([undefined]));
    }
  });
});

it('a subscriber who heard nothing during a gap hears its place after it, without asking again', async () => {
  const { queueId, places, last } = await watched(8);
  const feeds = world.urls.map((url) => follow({ ...last, buyer: last.buyer.at(url) }));
  await Promise.all(feeds.map((feed) => hears(feed, 'position', 8)));
  const leaving = Promise.all(places.slice(0, 3).map((place, index) => pause(500 * index).then(() => leave(place))));
  for (const end = Date.now() + GAP_MS / 2; Date.now() < end; await pause(40)) {
    await world.redis.client('KILL', 'TYPE', 'pubsub');
  }
  await leaving;
  await Promise.all(feeds.map((feed) => hears(feed, 'position', 5)));
  await update(operator, queueId, { capacity: 5 });
  await Promise.all(feeds.map((feed) => hears(feed, 'status', 'ACTIVE')));
  await Promise.all(feeds.map((feed) => feed.close()));
});

it('who entered in moments that Redis has forgotten hears it, and whose number it is now is told the place of it', async () => {
  const { queueId, places, last } = await watched(3);
  await world.redisServer.backUp();
  const buyers = await world.buyers(2);
  const [forgotten] = await line(buyers.slice(0, 1), queueId);
  await leave(places[0]!);
  const feeds = [forgotten as Place, last].map(follow);
  await Promise.all(feeds.map((feed, index) => hears(feed, 'position', 3 - index)));

  await world.redisServer.kill();
  await world.redisServer.startOlder();

  expect(await feeds[0]?.ended).toBeUndefined();
  await hears(feeds[1]!, 'position', 3);
  await eventually(async () => !(await buyers[1]!.ask(READ, { value: last.value })).errors);
  const [newer] = await line(buyers.slice(1), queueId);
  for (const url of world.urls) {
    expect((await forgotten!.buyer.at(url).get(READ, { value: forgotten!.value })).queueToken).toBeNull();
    expect((await newer!.buyer.at(url).get(READ, { value: newer!.value })).queueToken.position).toBe(4);
  }
  await feeds[1]?.close();
});
