import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newSecret, tokenValueOf } from '../../src/queue/queue-token.ts';
import { enter, eventually, makeQueue, type QueueInput } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { leave, line, look, type Place, pause, runOut, until, update } from '../support/places.ts';
import { areKept, areSeen, elsewhere, passAway } from '../support/presence.ts';
import type { AppProcess } from '../support/process.ts';
import { Stream } from '../support/stream.ts';
import { World } from '../support/world.ts';

const AWAY_SECONDS = 4;
/** The least after which a subscriber is told its place again though nothing has changed. */
const HEARTBEAT_MS = 6_500;
const LONG_AGO = 3 * AWAY_SECONDS * 1_000;

interface Sent {
  readonly value: string;
}

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open({ preload: './count-sql.ts' });
  operator = await world.operator();
});
afterAll(() => world.close());

const PAGE = `status position etaSeconds etaErrorSeconds waiting validUntil endedAt endReason version
  queue { id name state opensAt capacity }`;

/** The token with what a page shows of it and of its queue. */
async function page({ buyer, value }: Place): Promise<Data> {
  return (await buyer.get(`query ($value: ID!) { queueToken(value: $value) { ${PAGE} } }`, { value })).queueToken;
}

const IF_CHANGED = `query ($value: ID!, $version: String!) {
  queueTokenIfChanged(value: $value, version: $version) { status position version queue { state } } }`;

async function ifChanged({ buyer, value }: Place, version: string): Promise<Data> {
  return (await buyer.get(IF_CHANGED, { value, version })).queueTokenIfChanged;
}

/** A queue in which nobody moves, with so many places. */
async function still(count: number, input: Partial<QueueInput> = {}): Promise<{ queueId: string; places: Place[] }> {
  const queueId = await makeQueue(operator, { capacity: 0, ...input });
  return { queueId, places: await line(await world.buyers(count), queueId) };
}

describe('the queue of a place', () => {
  it('says why nothing moves: PAUSED is told on every process, polled and pushed', async () => {
    const { queueId, places } = await still(2, { name: 'the great sale' });
    const everywhere = places.flatMap((place) => [place, elsewhere(world, place)]);
    for (const place of everywhere) {
      expect((await page(place)).queue).toEqual({
        ...{ id: queueId, name: 'the great sale', state: 'OPEN', opensAt: null, capacity: 0 },
      });
    }
    const query = `subscription ($token: ID!) { queuePosition(token: $token) { position queue { state } } }`;
    const [first, second] = everywhere as [Place, Place];
    const feed = first.buyer.watch(query, { token: first.value });
    const stream = await Stream.subscribe(second.buyer.url, second.buyer.accessToken, query, { token: second.value });
    await feed.until(({ queuePosition }) => queuePosition.queue.state === 'OPEN');

    for (const state of ['PAUSED', 'OPEN', 'PAUSED']) {
      const told = feed.events.length;
      await update(operator, queueId, { state });
      const isTold = async (): Promise<boolean> => {
        const pages = await Promise.all(everywhere.map(page));
        return pages.every(({ queue, position }) => queue.state === state && position !== null);
      };
      await eventually(isTold);
      // Sooner than a heartbeat, which would tell it too.
      await feed.until(({ queuePosition }) => queuePosition.queue.state === state, HEARTBEAT_MS, told);
      await stream.until(() => stream.results.at(-1)?.data.queuePosition.queue.state === state);
    }
    await feed.close();
    stream.close();
  });

  it('has its opening before it opens, and the place is kept until after that', async () => {
    const opensAt = new Date(Date.now() + 3_600_000);
    const { places } = await still(1, { opensAt, awaySeconds: 60 } as Partial<QueueInput>);
    const { queue, position, validUntil, etaErrorSeconds, version } = await page(places[0]!);
    expect({ queue, position, etaErrorSeconds }).toMatchObject({
      ...{ queue: { state: 'SCHEDULED', opensAt: opensAt.toISOString() }, position: null, etaErrorSeconds: null },
    });
    expect(Math.abs(Date.parse(validUntil) - opensAt.getTime() - 60_000)).toBeLessThan(2_000);
    await pause(1_100);
    expect(await ifChanged(elsewhere(world, places[0]!), version)).toBeNull();
  });

  it('is told of an ended place too', async () => {
    const { queueId, places } = await still(1);
    await update(operator, queueId, { state: 'CLOSED' });
    await until(places[0]!, 'EXPIRED');
    for (const place of [places[0]!, elsewhere(world, places[0]!)]) {
      expect(await page(place)).toMatchObject({ endReason: 'QUEUE_CLOSED', queue: { state: 'CLOSED' } });
    }
  });

  it('is read from PostgreSQL once for each change of the settings, and never by polls that follow', async () => {
    const { queueId, places } = await still(4);
    const readsOf = (sent: readonly Sent[]): number =>
      sent.filter(({ value }) => value.includes(`from "queue" as "q0" where "q0"."id" = '${queueId}' limit 1`)).length;
    const [{ messages }] = world.processes as [AppProcess];
    const here = places.map(({ buyer, value }) => ({ buyer: buyer.at(world.urls[0] as string), value }));
    for (const state of ['PAUSED', 'OPEN']) {
      await update(operator, queueId, { state });
      const before = messages.length;
      await eventually(async () => (await Promise.all(here.map(page))).every(({ queue }) => queue.state === state));
      const after = messages.length;
      for (let polls = 0; polls < 200; polls += here.length) await Promise.all(here.map(page));
      expect(readsOf(messages.slice(before, after) as Sent[]), state).toBe(1);
      expect(readsOf(messages.slice(after) as Sent[])).toBe(0);
    }
  });
});

describe('the version of a place', () => {
  it('is the same on every process and in every answer while nothing that is shown has changed', async () => {
    const { places } = await still(3);
    for (const place of places)
      await eventually(async () => (await page(elsewhere(world, place))).version === (await page(place)).version);
    const [, second] = places as [Place, Place, Place];
    const { version, validUntil } = await page(second);
    for (let asked = 0; asked < 20; asked++) {
      expect(await ifChanged(second, version)).toBeNull();
      expect(await ifChanged(elsewhere(world, second), version)).toBeNull();
    }
    const later = await page(second);
    expect(later.version).toBe(version);
    expect(Date.parse(later.validUntil)).toBeGreaterThanOrEqual(Date.parse(validUntil));
    const mine = await second.buyer.get('{ queueTokens { version } }');
    expect(mine.queueTokens).toEqual([{ version }]);
    expect(new Set(await Promise.all(places.map(async (place) => (await page(place)).version))).size).toBe(3);
  });

  it('changes with the place, the people and the settings: on every process the place is answered, with the new one', async () => {
    const { queueId, places } = await still(3);
    const [first, , third] = places as [Place, Place, Place];
    const changes: [string, () => Promise<unknown>, object][] = [
      ['one ahead left', () => leave(places[1]!), { position: 2, status: 'WAITING' }],
      ['another came', async () => enter(await world.buyer(), queueId), { position: 2 }],
      ['the queue was paused', () => update(operator, queueId, { state: 'PAUSED' }), { queue: { state: 'PAUSED' } }],
      ['it goes on', () => update(operator, queueId, { state: 'OPEN' }), { queue: { state: 'OPEN' } }],
      ['one was let in', () => update(operator, queueId, { capacity: 1 }), { position: 1 }],
      ['it was let in', () => update(operator, queueId, { capacity: 2 }), { position: null, status: 'ACTIVE' }],
      ['its time ran out', () => runOut(world, [third]), { position: null, status: 'EXPIRED' }],
    ];
    const seen = new Set<string>();
    for (const [what, change, shown] of changes) {
      const before = (await page(third)).version as string;
      await change();
      for (const place of [third, elsewhere(world, third)]) {
        let told: Data = null;
        await eventually(async () => {
          told = await ifChanged(place, before);
          const isShown =
            told !== null &&
            Object.entries(shown).every(([name, value]) => JSON.stringify(told[name]) === JSON.stringify(value));
          return isShown;
        });
        expect(told, what).toMatchObject(shown);
        expect(told.version).not.toBe(before);
      }
      seen.add(before);
    }
    expect(seen.size).toBe(changes.length);
    expect((await look(first)).status).toBe('ACTIVE');
  });

  it("of a place that is unknown or another user's is told by nobody: NOT_FOUND", async () => {
    const { queueId, places } = await still(1);
    const { version } = await page(places[0]!);
    const stranger = await world.buyer();
    const values = [places[0]!.value, tokenValueOf(queueId, newSecret())];
    for (const value of values) {
      for (const version_ of [version, '']) {
        expect(await stranger.fail(IF_CHANGED, { value, version: version_ })).toBe('NOT_FOUND');
      }
    }
    expect(await stranger.fail(IF_CHANGED, { value: 'x', version })).toBe('BAD_USER_INPUT');
  });
});

describe('presence', () => {
  it('counts who only asks whether the place has changed, at any process, and not who asks nothing', async () => {
    const { queueId, places } = await still(4, { awaySeconds: AWAY_SECONDS });
    await areKept(world, places);
    const [gone, poller, farPoller, alsoGone] = places as [Place, Place, Place, Place];
    const { version } = await page(poller);
    await page(elsewhere(world, farPoller));

    const since = await passAway(world, queueId, LONG_AGO);
    await ifChanged(poller, version);
    await ifChanged(elsewhere(world, farPoller), 'another');
    await areSeen(world, [poller, farPoller], since);
    await update(operator, queueId, { capacity: 4 });

    await Promise.all([until(poller, 'ACTIVE'), until(farPoller, 'ACTIVE')]);
    for (const place of [gone, alsoGone])
      expect(await look(place)).toMatchObject({ status: 'EXPIRED', endReason: 'AWAY' });
  });

  it('is told by validUntil: awaySeconds after the last answer, less when somebody else looks, null when not WAITING', async () => {
    const { queueId, places } = await still(1, { awaySeconds: 100 });
    await areKept(world, places);
    const [place] = places as [Place];
    const leftOf = (token: Data): number => Date.parse(token.validUntil) - Date.now();
    for (const asked of [place, elsewhere(world, place)]) {
      expect(leftOf(await page(asked))).toBeGreaterThan(98_000);
      expect(leftOf(await page(asked))).toBeLessThan(102_000);
    }
    expect(leftOf((await place.buyer.get('{ queueTokens { validUntil } }')).queueTokens[0])).toBeGreaterThan(98_000);
    await update(operator, queueId, { capacity: 1 });
    await until(place, 'ACTIVE');
    expect((await page(place)).validUntil).toBeNull();
  });
});

it('endedAt tells when a place ended, and is null while it is live and for one that ended before this was kept', async () => {
  const queueId = await makeQueue(operator, { capacity: 3 });
  const places = await line(await world.buyers(3), queueId);
  const [left, over, ageless] = places as [Place, Place, Place];
  for (const place of places) await until(place, 'ACTIVE');
  expect((await page(left)).endedAt).toBeNull();
  const began = Date.now();
  await leave(left);
  await runOut(world, [over], 5_000);
  await until(over, 'EXPIRED');
  await leave(ageless);
  expect(Math.abs(Date.parse((await page(left)).endedAt) - began)).toBeLessThan(2_000);
  // When its time was over, not when that was found out.
  expect(Math.abs(Date.parse((await page(elsewhere(world, over))).endedAt) - began + 5_000)).toBeLessThan(2_000);
  for (const key of await world.redis.keys(`{q:${queueId}}:t:*`)) await world.redis.hdel(key, 'f');
  expect(await page(ageless)).toMatchObject({ status: 'LEFT', endedAt: null });
});

it('etaErrorSeconds is the median of the last errors, the same from Redis as from memory, and null without an estimate', async () => {
  const { queueId, places } = await still(4);
  const [first, ...others] = places as [Place, ...Place[]];
  expect((await page(first)).etaErrorSeconds).toBeNull();
  await update(operator, queueId, { capacity: 1 });
  await until(first, 'ACTIVE');
  await world.redis.del(`{q:${queueId}}:errors`);
  await world.redis.rpush(`{q:${queueId}}:errors`, ...[4_000, 7_400, 60_000].map((ms) => `${Date.now()}:${ms}`));
  for (const place of others.flatMap((each) => [each, elsewhere(world, each)])) {
    await eventually(async () => (await page(place)).etaErrorSeconds === 7);
    expect((await place.buyer.get('{ queueTokens { etaErrorSeconds } }')).queueTokens).toEqual([
      { etaErrorSeconds: 7 },
    ]);
  }
  expect((await page(first)).etaErrorSeconds).toBeNull();
});
