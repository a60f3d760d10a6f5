import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LIVE_QUEUES } from '../../src/queue/line/line.ts';
import { enter, eventually, type MadeShow, makeQueue, makeShow, reserve } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import {
  follow,
  hears,
  inside,
  leave,
  line,
  look,
  type Place,
  positions,
  refusalOf,
  statsOf,
  statuses,
  until,
  update,
} from '../support/places.ts';
import { World } from '../support/world.ts';

const ENTER = 'mutation ($input: EnterQueueInput!) { enterQueue(input: $input) { __typename } }';
const READ = 'query ($value: ID!) { queueToken(value: $value) { status } }';
const LEAVE = 'mutation ($value: ID!) { leaveQueue(token: $value) { status } }';
const DATES = 'query ($concert: ID!) { availableDates(concertId: $concert) { id } }';
const RESERVE =
  'mutation ($show: ID!, $seat: ID!) { reserve(input: { showId: $show, seatIds: [$seat] }) { __typename } }';
/** What a request may take at most, in milliseconds. */
const MAX_MS = 3_000;

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

const AWAY = { codes: Array(6).fill('SERVICE_UNAVAILABLE'), inTime: true };

/** What every way into the room says at this process, and whether it says so soon. */
async function tryAll(url: string, show: MadeShow, active: Place, stranger: Buyer) {
  const holder = inside(active).at(url);
  const { queueId, concertId: concert, id } = show;
  const begun = Date.now();
  const codes = await Promise.all([
    stranger.at(url).fail(ENTER, { input: { queueId } }),
    holder.fail(READ, { value: active.value }),
    holder.fail(LEAVE, { value: active.value }),
    holder.fail(DATES, { concert }),
    holder.fail(RESERVE, { show: id, seat: show.seats[0] }),
    refusalOf(follow({ buyer: holder, value: active.value })).then(({ extensions }) => extensions.code),
  ]);
  return { codes, inTime: Date.now() - begun < MAX_MS };
}

describe.each([1, 2])('with %i processes', (processes) => {
  const buyers = async (count: number): Promise<Buyer[]> =>
    (await world.buyers(count)).map((buyer, index) => buyer.at(world.urls[index % processes] as string));

  /** A show behind a queue of capacity 1 with four places, the first of them ACTIVE. */
  async function four(): Promise<{ show: MadeShow & { queueId: string }; places: Place[] }> {
    const queueId = await makeQueue(operator, { capacity: 1, maxWaiting: 4 });
    const show = { ...(await makeShow(operator, {}, queueId)), queueId };
    const places = await line(await buyers(4), queueId);
    await until(places[0]!, 'ACTIVE');
    return { show, places };
  }

  it('a Redis that crashed and came back has every place, and the processes go on by themselves', async () => {
    const { show, places } = await four();
    const before = await Promise.all(places.map(look));
    const feeds = places.slice(1).map(follow);
    await Promise.all(feeds.map((feed, index) => hears(feed, 'position', index + 1)));
    const [stranger] = (await buyers(1)) as [Buyer];

    await world.redisServer.kill();
    const away = await Promise.all(world.urls.map((url) => tryAll(url, show, places[0]!, stranger)));
    await world.redisServer.start();
    expect(away).toEqual(Array(2).fill(AWAY));

    for (const url of world.urls) {
      await eventually(async () => !(await stranger.at(url).ask(READ, { value: places[0]!.value })).errors);
    }
    expect((await Promise.all(places.map(look))).map(({ activeUntil }) => activeUntil)).toEqual(
      before.map(({ activeUntil }) => activeUntil),
    );
    expect(await statuses(places)).toEqual(['ACTIVE', 'WAITING', 'WAITING', 'WAITING']);
    expect(await positions(places.slice(1))).toEqual([1, 2, 3]);
    expect(await statsOf(operator, show.queueId)).toMatchObject({ entered: 4, waiting: 3, active: 1 });
    expect(await enter(stranger, show.queueId)).toMatchObject({ status: 'WAITING', position: 4 });
    expect(await reserve(inside(places[0]!), show.id, [show.seats[0] as string])).toMatchObject({ status: 'HELD' });

    await leave(places[2]!);
    await leave(places[0]!);
    await hears(feeds[0]!, 'status', 'ACTIVE');
    await hears(feeds[1]!, 'status', 'LEFT');
    await hears(feeds[2]!, 'position', 1);
    expect(await feeds[1]!.ended).toBeUndefined();
    await Promise.all(feeds.map((feed) => feed.close()));
  });

  it('settings changed while Redis is away count once it is back', async () => {
    const { show, places } = await four();

    await world.redisServer.kill();
    const changed = await update(operator.at(world.urls[processes - 1] as string), show.queueId, { capacity: 3 });
    expect(changed).toMatchObject({ capacity: 3 });
    await world.redisServer.start();

    await eventually(async () => !(await places[0]!.buyer.ask(READ, { value: places[2]!.value })).errors);
    await until({ ...places[2]!, buyer: places[2]!.buyer }, 'ACTIVE');
    expect(await statuses(places)).toEqual(['ACTIVE', 'ACTIVE', 'ACTIVE', 'WAITING']);
  });

  it('a Redis that answers nothing costs nobody more than 3 seconds, and gives nobody two places', async () => {
    const { show, places } = await four();
    const [stranger] = (await buyers(1)) as [Buyer];

    world.redisServer.freeze();
    const away = await Promise.all(world.urls.map((url) => tryAll(url, show, places[1]!, stranger)));
    world.redisServer.thaw();
    expect(away).toEqual(Array(2).fill(AWAY));

    await eventually(async () => !(await stranger.ask(READ, { value: places[0]!.value })).errors);
    const [one, other] = await Promise.all(world.urls.map((url) => enter(stranger.at(url), show.queueId)));
    expect(one.value).toBe(other.value);
    expect((await statsOf(operator, show.queueId)).entered).toBe(5);
    expect((await look(places[0]!)).status).toBe('ACTIVE');
  });

  it('a Redis that lost its memory knows no token, and takes entries with the settings of PostgreSQL', async () => {
    const { show, places } = await four();
    const feed = follow(places[3]!);
    await hears(feed, 'position', 3);
    await update(operator, show.queueId, { maxWaiting: 2, capacity: 1, activeSeconds: 77 });

    await world.redis.flushall();

    for (const { buyer, value } of places) {
      await eventually(async () => (await buyer.get(READ, { value })).queueToken === null);
    }
    const { errors } = await inside(places[0]!).ask(DATES, { concert: show.concertId });
    expect(errors?.[0]?.extensions).toMatchObject({
      ...{ code: 'QUEUE_TOKEN_REQUIRED', queue: { id: show.queueId, state: 'OPEN' } },
    });
    const again = await line([places[3]!.buyer, places[0]!.buyer], show.queueId);
    expect(again[0]?.value).not.toBe(places[3]!.value);
    await until(again[0]!, 'ACTIVE');
    const { activatedAt, activeUntil } = await look(again[0]!);
    expect(Date.parse(activeUntil) - Date.parse(activatedAt)).toBe(77_000);
    expect(await look(again[1]!)).toMatchObject({ status: 'WAITING', position: 1 });
    const told = follow(again[1]!);
    await hears(told, 'position', 1);
    await enter(places[1]!.buyer, show.queueId);
    expect(await enter(places[2]!.buyer, show.queueId)).toMatchObject({ code: 'QUEUE_FULL' });
    await leave(again[0]!);
    await hears(told, 'status', 'ACTIVE');
    expect(await feed.ended).toBeUndefined();
    const last = feed.events.pop();
    expect(last).toMatchObject({ data: null, errors: [{ extensions: { code: 'NOT_FOUND' } }] });
    expect(feed.events.every(({ queuePosition }) => queuePosition.status === 'WAITING')).toBe(true);
    await told.close();
  });

  it('a CLOSED queue stays closed when Redis loses its memory', async () => {
    const queueId = await makeQueue(operator, { capacity: 1 });
    await update(operator, queueId, { state: 'CLOSED' });
    await world.redis.flushall();
    const [buyer] = (await buyers(1)) as [Buyer];
    expect(await enter(buyer, queueId)).toEqual({ __typename: 'Refusal', code: 'QUEUE_CLOSED' });
    expect(await statsOf(operator, queueId)).toMatchObject({ entered: 0, waiting: 0 });
  });
});

it('a queue that everybody has left costs no ticks until somebody comes', async () => {
  const queueId = await makeQueue(operator, { capacity: 1 });
  const [place] = await line([await world.buyer()], queueId);
  await until(place!, 'ACTIVE');
  expect(await world.redis.zscore(LIVE_QUEUES, queueId)).not.toBeNull();
  await leave(place!);
  await world.redis.zadd(LIVE_QUEUES, Date.now() - 60_000, queueId);
  await eventually(async () => (await world.redis.zscore(LIVE_QUEUES, queueId)) === null);
  const [next] = await line([await world.buyer()], queueId);
  await until(next!, 'ACTIVE');
});
