import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, makeQueue } from '../support/builders.ts';
import { type Buyer, type Feed } from '../support/client.ts';
import { follow, hears, line, look, type Place, pause, statsOf, until, update } from '../support/places.ts';
import { areKept, passAway } from '../support/presence.ts';
import { TcpProxy } from '../support/proxy.ts';
import { World } from '../support/world.ts';

describe('faults of presence', () => {
  const AWAY_SECONDS = 10;
  const LONG_AGO = 3 * AWAY_SECONDS * 1_000;
  /** A process that has not reported for so long would be missed. */
  const MISSED_AFTER_MS = 2_500;
  /** After that, connections that were cut off are back, and ticks have come. */
  const RECONNECTED_AFTER_MS = 2_000;

  let world: World;
  let operator: Buyer;
  beforeAll(async () => {
    world = await World.open({ processes: 1 });
    operator = await world.operator();
  });
  afterAll(() => world.close());

  it('a process that ends in order is not waited for: who is away is passed over, who was there last is not', async () => {
    const ending = await world.startProcess();
    const queueId = await makeQueue(operator, { capacity: 0, awaySeconds: AWAY_SECONDS });
    const places = await line(await world.buyers(3), queueId);
    await areKept(world, places);
    const [gone, poller, watcher] = places.map(({ buyer, value }) => ({ buyer: buyer.at(ending.url), value })) as [
      Place,
      Place,
      Place,
    ];
    const feed = follow(watcher);
    await hears(feed, 'position', 3);
    await look(poller);
    const reporters = `{q:${queueId}}:reporters`;
    await eventually(async () => (await world.redis.zcard(reporters)) === 1);

    await passAway(world, queueId, LONG_AGO);
    await look(poller);
    await ending.stop();
    expect(await world.redis.zcard(reporters)).toBe(0);
    await feed.ended;
    await pause(MISSED_AFTER_MS);
    await update(operator, queueId, { capacity: 3 });

    await eventually(async () => (await statsOf(operator, queueId)).waiting === 0);
    expect(await statsOf(operator, queueId)).toMatchObject({ admitted: 2, active: 2, expired: 1 });
    const elsewhere = ({ buyer, value }: Place): Place => ({ buyer: buyer.at(world.urls[0] as string), value });
    expect(await look(elsewhere(gone))).toMatchObject({ status: 'EXPIRED', endReason: 'AWAY' });
    await Promise.all([poller, watcher].map((place) => until(elsewhere(place), 'ACTIVE')));
  });

  it('one queue whose ticks fail after an outage does not make everybody elsewhere count as seen for ever', async () => {
    const input = { capacity: 0, awaySeconds: AWAY_SECONDS };
    const [queueId, broken] = [await makeQueue(operator, input), await makeQueue(operator, input)];
    const places = await line(await world.buyers(1), queueId);
    const spared = await line(await world.buyers(1), broken);
    await areKept(world, [...places, ...spared]);
    await world.redis.set(`{q:${broken}}:reporters`, 'no set');
    await world.redisServer.kill();
    await world.redisServer.start();
    await pause(RECONNECTED_AFTER_MS);

    await passAway(world, queueId, LONG_AGO);
    await passAway(world, broken, LONG_AGO);
    await update(operator, queueId, { capacity: 1 });
    await update(operator, broken, { capacity: 1 });
    await eventually(async () => (await statsOf(operator, queueId)).waiting === 0);
    expect(await look(places[0]!)).toMatchObject({ status: 'EXPIRED', endReason: 'AWAY' });

    expect(await statsOf(operator, broken)).toMatchObject({ waiting: 1, admitted: 0 });
    await world.redis.del(`{q:${broken}}:reporters`);
    await eventually(async () => (await statsOf(operator, broken)).waiting === 0);
    expect(await statsOf(operator, broken)).toMatchObject({ admitted: 1, expired: 0 });
  });
});

describe('presence and outages', () => {
  /** As short as makes sense, against outages that last longer. */
  const AWAY_SECONDS = 2;
  const OUTAGE_MS = 5_000;
  const SILENCE_IS_LONG_ENOUGH = 30_000;

  let world: World;
  let operator: Buyer;
  let toRedis: TcpProxy;
  beforeAll(async () => {
    world = await World.open({ processes: 1 });
    toRedis = await TcpProxy.open(world.redisServer.url);
    await world.startProcess({ REDIS_URL: toRedis.through(world.redisServer.url) });
    operator = await world.operator();
  });
  afterAll(async () => {
    await world.close();
    await toRedis.close();
  });

  /** What goes wrong for longer than anybody may be away, and is well again when it answers. */
  const OUTAGES: [string, () => Promise<unknown>][] = [
    [
      'a Redis that freezes',
      async () => {
        world.redisServer.freeze();
        await pause(OUTAGE_MS);
        world.redisServer.thaw();
      },
    ],
    [
      'a Redis that crashes and comes back',
      async () => {
        await world.redisServer.kill();
        await pause(OUTAGE_MS);
        await world.redisServer.start();
      },
    ],
    [
      'a Redis that crashes and comes back at once',
      async () => {
        await world.redisServer.kill();
        await world.redisServer.start();
      },
    ],
    [
      'published messages that get lost',
      async () => {
        for (const end = Date.now() + OUTAGE_MS; Date.now() < end; await pause(50)) {
          await world.redis.client('KILL', 'TYPE', 'pubsub');
        }
      },
    ],
    [
      'one process that is cut off from Redis',
      async () => {
        toRedis.silence();
        await pause(OUTAGE_MS);
        await toRedis.heal();
      },
    ],
    [
      'one process that hangs',
      async () => {
        world.processes[1]?.child.kill('SIGSTOP');
        await pause(OUTAGE_MS);
        world.processes[1]?.child.kill('SIGCONT');
      },
    ],
    [
      'a time in which nothing ticks',
      async () => {
        for (const { child } of world.processes) child.kill('SIGSTOP');
        await pause(OUTAGE_MS);
        for (const { child } of world.processes) child.kill('SIGCONT');
      },
    ],
  ];

  /** Two who are subscribed, at one process each, and two who poll there until they are told to stop. */
  async function watchers(): Promise<{
    queueId: string;
    feeds: Feed[];
    places: Place[];
    stop: () => Promise<unknown>;
  }> {
    const queueId = await makeQueue(operator, { capacity: 0, awaySeconds: AWAY_SECONDS });
    const places = await line(await world.buyers(4), queueId);
    await areKept(world, places);
    const feeds = places.slice(0, 2).map(follow);
    await Promise.all(feeds.map((feed, index) => hears(feed, 'position', index + 1)));
    let ended = false;
    const polling = places.slice(2).map(async (place) => {
      while (!ended) await Promise.all([look(place).catch(() => undefined), pause(300)]);
    });
    const stop = (): Promise<unknown> => {
      ended = true;
      return Promise.all(polling);
    };
    return { queueId, feeds, places, stop };
  }

  describe('nobody who is there is taken to be away because of', () => {
    it.each(OUTAGES)(
      '%s',
      async (_name, outage) => {
        const { queueId, feeds, places, stop } = await watchers();

        const letIn = update(operator, queueId, { capacity: 1 });
        await letIn;
        await outage();
        await eventually(() =>
          update(operator, queueId, { capacity: 4 }).then(
            () => true,
            () => false,
          ),
        );

        await Promise.all(feeds.map((feed) => hears(feed, 'status', 'ACTIVE', SILENCE_IS_LONG_ENOUGH)));
        for (const place of places) {
          await eventually(async () => (await look(place).catch(() => undefined))?.status === 'ACTIVE');
        }
        expect(await statsOf(operator, queueId)).toMatchObject({ entered: 4, admitted: 4, active: 4, expired: 0 });
        await stop();
        await Promise.all(feeds.map((feed) => feed.close()));
      },
      60_000,
    );
  });

  it('nor because every process was stopped for longer and started again', async () => {
    const { queueId, feeds, places, stop } = await watchers();
    await stop();
    await Promise.all(world.processes.splice(0).map((process) => process.stop()));
    await Promise.all(feeds.map((feed) => feed.ended));
    await pause(AWAY_SECONDS * 2_000);
    await world.startProcess();
    await world.startProcess();
    operator = operator.at(world.urls[0] as string);

    const back = places.map((place, i) => ({ ...place, buyer: place.buyer.at(world.urls[i % 2] as string) }));
    const again = back.map(follow);
    await Promise.all(again.map((feed, index) => hears(feed, 'position', index + 1)));
    await update(operator, queueId, { capacity: 4 });

    await Promise.all(again.map((feed) => hears(feed, 'status', 'ACTIVE')));
    await Promise.all(again.map((feed) => feed.close()));
  });

  it.each([
    ['hangs', () => world.processes[1]?.child.kill('SIGSTOP'), () => world.processes[1]?.child.kill('SIGCONT')],
    ['was killed a moment ago', () => world.processes[1]?.stop('SIGKILL'), () => world.startProcess()],
  ])('whose turn comes while their process %s are let in by the other one', async (_name, begin, end) => {
    const { queueId, feeds, stop } = await watchers();
    await pause(500);
    await begin();
    await pause(AWAY_SECONDS * 1_500);
    await update(operator, queueId, { capacity: 4 });
    await eventually(async () => (await statsOf(operator, queueId)).waiting === 0);
    expect(await statsOf(operator, queueId)).toMatchObject({ entered: 4, admitted: 4, active: 4, expired: 0 });
    await end();
    await stop();
    await Promise.all(feeds.map((feed) => feed.close()));
  });
});
