import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { awaitRaised, heldOf, makeChannel, raisedAt } from '../support/alerts.ts';
import { admit, charge, eventually, makeQueue, makeShow, pay, readToken, reserve } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import { inTime } from '../support/in-time.ts';
import { Receiver } from '../support/receiver.ts';
import { World } from '../support/world.ts';

let receiver: Receiver;
let world: World;
let operator: Buyer;
beforeAll(async () => {
  receiver = await Receiver.open();
  world = await World.open({ env: { ...receiver.env, AWAY_SECONDS: '1' } });
  operator = await world.operator();
});
afterEach(async () => {
  world.redisServer.thaw();
  for (const { child, log } of world.processes) {
    expect(child.exitCode, log()).toBeNull();
    expect(log(), 'no outage is a fault of ours').not.toContain('"level":50');
  }
});
afterAll(async () => {
  await world.close();
  await receiver.close();
});

/** Ways in which Redis can be away. */
const AWAY = {
  stopped: { begin: () => world.redisServer.kill(), end: () => world.redisServer.start() },
  frozen: { begin: async () => world.redisServer.freeze(), end: async () => world.redisServer.thaw() },
};

const RESERVE =
  'mutation ($show: ID!, $seat: ID!) { reserve(input: { showId: $show, seatIds: [$seat] }) { __typename } }';
const PAY =
  'mutation ($id: ID!) { pay(input: { reservationId: $id, idempotencyKey: "once" }) { __typename ... on Problem { code } } }';

async function rows(): Promise<unknown> {
  const counts = ['reservation', 'hold', 'ticket', 'payment', 'entry', 'idempotency_key'];
  const text = counts.map((table) => `(select count(*)::int from ${table}) as ${table}`).join(', ');
  return (await world.pool.query(`select ${text}`)).rows[0];
}

it('operators are told once that Redis is away, and once that it is back, by two processes', async () => {
  await makeChannel(operator, receiver.url('/redis'));
  const saw = (what: string) => world.processes.every(({ log }) => log().includes(`"server":"Redis","msg":"${what}"`));
  await AWAY.stopped.begin();
  expect(await awaitRaised(receiver, '/redis', 'REDIS_AWAY')).toBe(
    'REDIS_AWAY: Redis has not answered for 1 seconds or longer.',
  );
  await eventually(() => saw('a server is away'));
  await AWAY.stopped.end();
  expect(await awaitRaised(receiver, '/redis', 'REDIS_BACK')).toBe('REDIS_BACK: Redis answers again.');
  await eventually(() => saw('a server is back'));
  await eventually(async () => (await heldOf(world, 'REDIS_BACK')) > 0);
  expect(receiver.at('/redis').map(({ body }) => body.text.split(':')[0])).toEqual(['REDIS_AWAY', 'REDIS_BACK']);
  expect(raisedAt(receiver, '/redis', 'JOB_FAILED'), 'an outage makes no job fail').toEqual([]);
});

describe.each(Object.entries(AWAY))('with Redis %s', (_how, { begin, end }) => {
  it('whoever must be let in is told SERVICE_UNAVAILABLE in time and nothing is done; back again, all of it works', async () => {
    const queueId = await makeQueue(operator, { capacity: 3 });
    const show = await makeShow(operator, {}, queueId);
    const [holder, stranger, other] = (await world.buyers(3, 5_000)) as [Buyer, Buyer, Buyer];
    const inside = await admit(holder, queueId);
    // What Redis is asked while it is frozen it may do as it thaws: so somebody else leaves.
    const leaver = await admit(other, queueId);
    const held = await reserve(inside, show.id, [show.seats[0] as string]);
    const before = await rows();

    await begin();
    const tryAll = async (url: string): Promise<void> => {
      const at = inside.at(url);
      await inTime(async () => {
        const codes = await Promise.all([
          stranger.at(url).fail(`mutation { enterQueue(input: { queueId: "${queueId}" }) { __typename } }`),
          at.fail(`{ queueToken(value: "${inside.queueToken}") { status } }`),
          at.fail(`{ availableDates(concertId: "${show.concertId}") { id } }`),
          at.fail(`{ seatMap(showId: "${show.id}") { id } }`),
          at.fail(RESERVE, { show: show.id, seat: show.seats[1] }),
          at.fail(PAY, { id: held.id }),
          leaver.at(url).fail(`mutation { leaveQueue(token: "${leaver.queueToken}") { status } }`),
        ]);
        expect(codes).toEqual(codes.map(() => 'SERVICE_UNAVAILABLE'));
      });
      const feed = at.watch(`subscription { queuePosition(token: "${inside.queueToken}") { status } }`);
      const told = await inTime(() => feed.until(() => true));
      expect(told.errors).toMatchObject([{ extensions: { code: 'SERVICE_UNAVAILABLE' } }]);
      await feed.close();
    };
    await Promise.all(world.urls.map(tryAll));
    expect(await rows()).toEqual(before);

    await end();
    for (const url of world.urls) {
      await eventually(
        async () =>
          !(await inside.at(url).ask('{ queueToken(value: "x") { status } }')).errors?.some(
            ({ extensions }) => extensions.code === 'SERVICE_UNAVAILABLE',
          ),
      );
      await eventually(
        async () => (await inside.at(url).ask(`{ seatMap(showId: "${show.id}") { id } }`)).errors === undefined,
      );
    }
    expect((await readToken(inside, inside.queueToken as string)).status, 'places outlive Redis').toBe('ACTIVE');
    expect(await reserve(inside, show.id, [show.seats[1] as string])).toMatchObject({ status: 'HELD' });
    expect(await pay(inside, held.id, 'once')).toMatchObject({ __typename: 'Payment', status: 'COMPLETED' });
    await admit(stranger, queueId);
  });

  it('what needs no place in a queue goes on: reading, charging, and a concert without a queue', async () => {
    const show = await makeShow(operator);
    const buyer = await world.buyer(5_000);
    await begin();
    for (const [seat, url] of world.urls.entries()) {
      const at = buyer.at(url).hasty();
      await inTime(async () => {
        expect((await at.get('{ concerts { edges { node { title } } } }')).concerts.edges.length).toBeGreaterThan(0);
        expect(await charge(at, 100)).toMatchObject({ __typename: 'LedgerEntry' });
      });
      const held = await inTime(() => reserve(at, show.id, [show.seats[seat] as string]));
      expect(held).toMatchObject({ __typename: 'Reservation', status: 'HELD' });
      expect(await inTime(() => pay(at, held.id))).toMatchObject({ status: 'COMPLETED' });
    }
    await end();
    const { rows: tickets } = await world.pool.query('select 1 from ticket where user_id = $1', [buyer.id]);
    expect(tickets).toHaveLength(2);
  });

  it('a subscription that could not begin leaves nobody listening', async () => {
    const { id } = await makeShow(operator);
    const buyer = await world.buyer();
    const channels = async () => (await world.redis.pubsub('CHANNELS', `*${id}*`)) as string[];
    await begin();
    const feed = buyer.watch(`subscription { seatChanges(showId: "${id}") { resync } }`);
    const told = await inTime(() => feed.until(() => true));
    expect(told.errors).toMatchObject([{ extensions: { code: 'SERVICE_UNAVAILABLE' } }]);
    await feed.close();
    await end();
    const back = async () => String(await world.redis.client('LIST')).match(/name=onsale-listener/g)?.length === 2;
    await eventually(back);
    await eventually(async () => (await channels()).length === 0);
    const again = buyer.watch(`subscription { seatChanges(showId: "${id}") { resync seats { id } } }`);
    await eventually(async () => (await channels()).length === 1);
    await again.close();
    await eventually(async () => (await channels()).length === 0);
  });
});

it('a process does not start while Redis is away, says why, and leaves nothing running', async () => {
  await world.redisServer.kill();
  await expect(world.startProcess()).rejects.toThrow(/ended with 1: .*could not start/s);
  await world.redisServer.start();
  expect(world.processes).toHaveLength(2);
});
