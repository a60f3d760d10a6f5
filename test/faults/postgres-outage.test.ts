import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { ageRaised, awaitRaised, endRaisedIn, heldOf, makeChannel, raisedAt } from '../support/alerts.ts';
import {
  admit,
  charge,
  enter,
  eventually,
  type MadeShow,
  makeQueue,
  makeShow,
  pay,
  reserve,
} from '../support/builders.ts';
import { type Buyer, type Data, post } from '../support/client.ts';
import { inTime } from '../support/in-time.ts';
import { TcpProxy } from '../support/proxy.ts';
import { Receiver } from '../support/receiver.ts';
import { World } from '../support/world.ts';

let receiver: Receiver;
let proxy: TcpProxy;
let world: World;
let operator: Buyer;
let show: MadeShow;
beforeAll(async () => {
  proxy = await TcpProxy.open(inject('postgresUrl'));
  receiver = await Receiver.open();
  world = await World.open({
    processes: 0,
    env: { ...receiver.env, AWAY_SECONDS: '1' },
    preload: './tell-statements.ts',
  });
  const env = { DATABASE_URL: proxy.through(world.database.url) };
  await Promise.all([world.startProcess(env), world.startProcess(env)]);
  operator = await world.operator();
  show = await makeShow(operator, {}, await makeQueue(operator, { capacity: 100 }));
});
afterEach(async () => {
  await proxy.heal();
  for (const { child, log } of world.processes) {
    expect(child.exitCode, log()).toBeNull();
    expect(log(), 'no outage is a fault of ours').not.toContain('"level":50');
  }
});
afterAll(async () => {
  await world.close();
  await proxy.close();
  await receiver.close();
});

/** Ways in which PostgreSQL can be away. */
const AWAY = { refusing: () => proxy.refuse(), silent: async () => proxy.silence() };

const READS = [
  '{ me { id } }',
  '{ wallet { balance } }',
  '{ reservations { edges { cursor } } }',
  '{ concerts { edges { node { shows { availableCount } } } } }',
];
const CHARGE = 'mutation { charge(input: { amount: 100, idempotencyKey: "away" }) { __typename } }';
const RESERVE =
  'mutation ($show: ID!, $seat: ID!) { reserve(input: { showId: $show, seatIds: [$seat] }) { __typename } }';
const PAY = 'mutation ($id: ID!) { pay(input: { reservationId: $id, idempotencyKey: "away" }) { __typename } }';
const TEN_CHARGES = `mutation { ${Array.from({ length: 10 }, (_, i) => `c${i}: charge(input: { amount: 1, idempotencyKey: "ten ${i}" }) { __typename }`).join(' ')} }`;

/** What a buyer owns, past the product. */
async function belongings({ id }: Buyer): Promise<unknown> {
  const { rows } = await world.pool.query(
    `select (select balance::int from wallet where user_id = $1) as balance,
       (select count(*)::int from entry where wallet_id = $1) as entries,
       (select coalesce(sum(amount), 0)::int from entry where wallet_id = $1) as sum,
       (select count(*)::int from reservation where user_id = $1) as reservations,
       (select count(*)::int from hold where user_id = $1) as holds,
       (select count(*)::int from ticket where user_id = $1) as tickets,
       (select count(*)::int from payment where user_id = $1) as payments`,
    [id],
  );
  return rows[0];
}

async function backAgain(buyer: Buyer): Promise<void> {
  await proxy.heal();
  for (const url of world.urls) {
    await eventually(async () => (await fetch(new URL('/health/ready', url))).status === 200);
    await eventually(async () => (await buyer.at(url).ask(READS.join('').replaceAll('}{', ' '))).errors === undefined);
  }
}

/** Waits until both processes have read the channels that there are now. */
async function channelsAreKnown(): Promise<void> {
  const reads = () =>
    world.processes.map(
      ({ messages }) =>
        messages.filter(({ value }) => /"alert_channel".*"removed_at" is null/.test((value as Data)?.text)).length,
    );
  const before = reads();
  // A read that was under way may have begun before.
  await eventually(() => reads().every((count, index) => count >= (before[index] as number) + 2));
}

const toldAt = (path: string): string[] =>
  receiver
    .at(path)
    .map(({ body }) => body.text.split(':')[0])
    .sort();

describe('operators are told', () => {
  it('by each process once that both servers are away, and by one that each is back', async () => {
    const id = await makeChannel(operator, receiver.url('/both'));
    await channelsAreKnown();
    await proxy.refuse();
    await world.redisServer.kill();
    await eventually(() => raisedAt(receiver, '/both', 'REDIS_AWAY').length === 2, 60_000);
    await eventually(() => raisedAt(receiver, '/both', 'POSTGRES_AWAY').length === 2, 60_000);
    await proxy.heal();
    await awaitRaised(receiver, '/both', 'POSTGRES_BACK');
    await world.redisServer.start();
    await awaitRaised(receiver, '/both', 'REDIS_BACK');
    await eventually(async () => (await heldOf(world, 'REDIS_BACK')) > 0);
    const lines = (text: string) => text.split('a server is back').length - 1;
    await eventually(() => world.processes.every(({ log }) => lines(log()) === 2));
    const twice = ['POSTGRES_AWAY', 'REDIS_AWAY'].flatMap((kind) => [kind, kind]);
    expect(toldAt('/both')).toEqual([...twice, 'POSTGRES_BACK', 'REDIS_BACK'].sort());
    await operator.get('mutation ($id: ID!) { removeAlertChannel(id: $id) { id } }', { id });
  });

  it('once that PostgreSQL is away, though no row can be written, and once that it is back', async () => {
    for (const kind of ['POSTGRES', 'REDIS']) await ageRaised(world, kind);
    let refusals = 0;
    receiver.answer('/alone', (response) => response.writeHead(refusals++ === 0 ? 503 : 200).end());
    const id = await makeChannel(operator, receiver.url('/alone'));
    await channelsAreKnown();
    await proxy.refuse();
    await eventually(async () => (await heldOf(world, 'POSTGRES_AWAY')) > 0, 60_000);
    await eventually(() => receiver.at('/alone').length === 2);
    const [first, again] = receiver.at('/alone');
    expect(first?.body.text).toBe('POSTGRES_AWAY: PostgreSQL has not answered for 1 seconds or longer.');
    expect(again?.body, 'what was not taken comes again').toEqual(first?.body);
    expect(again?.headers['idempotency-key']).toBe(first?.body.id);
    await proxy.heal();
    await awaitRaised(receiver, '/alone', 'POSTGRES_BACK');
    await eventually(async () => (await heldOf(world, 'POSTGRES_BACK')) > 0);
    expect(toldAt('/alone')).toEqual(['POSTGRES_AWAY', 'POSTGRES_AWAY', 'POSTGRES_BACK']);
    await operator.get('mutation ($id: ID!) { removeAlertChannel(id: $id) { id } }', { id });
  });
});

it('operators are told of a second outage within the minute when that is over, and not of one that is over by then', async () => {
  await ageRaised(world, 'POSTGRES');
  const id = await makeChannel(operator, receiver.url('/again'));
  await channelsAreKnown();
  const lines = (text: string) => world.processes.map(({ log }) => log().split(`"PostgreSQL","msg":"${text}"`).length);
  const turn = async (text: string, work: () => Promise<void>): Promise<void> => {
    const before = lines(text);
    await work();
    await eventually(() => lines(text).every((count, index) => count > (before[index] as number)));
  };
  const away = () => turn('a server is away', () => proxy.refuse());
  const back = () => turn('a server is back', () => proxy.heal());
  const told = () => receiver.at('/again').map(({ body }) => body.text.split(/[:_]/)[1]);
  // Until the last alert, which the second process raised too, is no longer about to be sent.
  const settled = async (count: number): Promise<void> => {
    await eventually(() => told().length === count);
    await eventually(async () => (await heldOf(world, 'POSTGRES_BACK')) > 0);
    const scheduled = `select from alert where status = 'SCHEDULED'`;
    await eventually(async () => (await world.pool.query(scheduled)).rowCount === 0);
  };

  await away();
  await eventually(() => told().length === 1);
  await back();
  await settled(2);
  await endRaisedIn(world, 'POSTGRES_AWAY', 15_000);
  await ageRaised(world, 'POSTGRES_BACK');
  await away();
  await eventually(async () => (await heldOf(world, 'POSTGRES_AWAY')) > 2);
  expect(told()).toEqual(['AWAY', 'BACK']);
  await eventually(() => told().length === 3);
  // Until the other process has seen that this was told.
  await sleep(2_500);
  await back();
  await settled(4);

  await endRaisedIn(world, 'POSTGRES_AWAY', 10_000);
  await endRaisedIn(world, 'POSTGRES_BACK', 12_000);
  await away();
  await eventually(async () => (await heldOf(world, 'POSTGRES_AWAY')) === 2);
  await back();
  await eventually(async () => (await world.redis.exists('onsale:alert:{POSTGRES_BACK}')) === 0);
  await sleep(4_000);
  expect(told()).toEqual(['AWAY', 'BACK', 'AWAY', 'BACK']);
  await operator.get('mutation ($id: ID!) { removeAlertChannel(id: $id) { id } }', { id });
});

describe.each(Object.entries(AWAY))('with PostgreSQL %s', (how, begin) => {
  it('everything that needs it is SERVICE_UNAVAILABLE in time, nothing is half done, and it works again when it is back', async () => {
    const index = Object.keys(AWAY).indexOf(how) * 10;
    const buyer = await admit(await world.buyer(5_000), show.queueId as string);
    const held = await reserve(buyer, show.id, [show.seats[index] as string]);
    const before = await belongings(buyer);
    await begin();
    const tryAll = async (url: string): Promise<void> => {
      const at = buyer.at(url);
      await inTime(async () => {
        const codes = await Promise.all([
          ...READS.map((query) => at.fail(query)),
          at.fail(`{ seatMap(showId: "${show.id}") { id } }`),
          at.fail(CHARGE),
          at.fail(RESERVE, { show: show.id, seat: show.seats[index + 1] }),
          at.fail(PAY, { id: held.id }),
          operator.at(url).fail('mutation { createQueue(input: { name: "q", capacity: 1 }) { id } }'),
        ]);
        expect(codes).toEqual(codes.map(() => 'SERVICE_UNAVAILABLE'));
      });
      expect((await inTime(() => fetch(new URL('/health/ready', url)))).status).toBe(503);
      expect((await post(url, '{ settings { currency } }')).data.settings.currency).toBe('KRW');
    };
    await Promise.all(world.urls.map(tryAll));
    expect(await belongings(buyer)).toEqual(before);

    await backAgain(buyer);
    const retried = await buyer.get(CHARGE);
    expect(retried.charge.__typename).toBe('LedgerEntry');
    expect(await reserve(buyer, show.id, [show.seats[index + 1] as string])).toMatchObject({ status: 'HELD' });
    expect(await pay(buyer, held.id, 'away')).toMatchObject({ __typename: 'Payment', status: 'COMPLETED' });
    await charge(buyer, 100, 'away');
    expect(await belongings(buyer)).toMatchObject({ balance: 4_100, sum: 4_100, tickets: 1, payments: 1 });
  });

  it('entering a queue goes on, since places are kept elsewhere, or is SERVICE_UNAVAILABLE in time', async () => {
    const buyer = await world.buyer();
    await begin();
    const entered = await inTime(() => enter(buyer.hasty(), show.queueId as string));
    expect(entered).toMatchObject({ __typename: 'QueueToken' });
    await proxy.heal();
  });
});

it('many mutations of one document take no longer together than one may, when PostgreSQL is slow', async () => {
  const buyer = await world.buyer(5_000);
  proxy.delay(100);
  const { errors } = await inTime(() => buyer.ask(TEN_CHARGES));
  expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['SERVICE_UNAVAILABLE']);
  await proxy.heal();
  await sleep(500);
  const { balance, sum } = (await belongings(buyer)) as { balance: number; sum: number };
  expect(sum).toBe(balance);
  expect(balance, 'not all of them were begun').toBeLessThan(5_010);
  await buyer.get(TEN_CHARGES);
  expect(await belongings(buyer), 'the same keys again').toMatchObject({ balance: 5_010, entries: 11 });
});

it('connections that break within transactions are replaced, every one, and hold up no end of the process', async () => {
  const process = await world.startProcess({ DATABASE_URL: proxy.through(world.database.url) });
  const buyers = (await world.buyers(20, 5_000)).map((buyer) => buyer.at(process.url));
  const chargeAll = (key: string) => Promise.all(buyers.map((buyer) => buyer.ask(CHARGE.replace('away', key))));
  for (let round = 0; round < 3; round++) {
    const [answers] = await Promise.all([chargeAll(`round ${round}`), sleep(20).then(() => proxy.cut())]);
    const codes = answers.flatMap(({ errors }) => errors ?? []).map(({ extensions }) => extensions.code);
    expect(new Set(codes).size).toBeLessThanOrEqual(1);
  }
  for (let round = 0; round < 3; round++) {
    const answers = await inTime(() => chargeAll(`round ${round}`));
    expect(answers.filter(({ errors }) => errors)).toEqual([]);
  }
  for (const buyer of buyers) expect(await belongings(buyer)).toMatchObject({ balance: 5_300, sum: 5_300, entries: 4 });
  world.processes.splice(world.processes.indexOf(process), 1);
  await inTime(() => process.stop());
});

it('connections that are cut in the middle of 60 charges and purchases cost nobody anything', async () => {
  const free = await makeShow(operator, { seatCount: 60 });
  const buyers = await world.buyers(60, 5_000);
  const work = buyers.map(async (buyer, i) => {
    const done = await buyer.ask(CHARGE);
    const held = await buyer.ask(RESERVE, { show: free.id, seat: free.seats[i] });
    return [done, held].flatMap(({ errors }) => errors ?? []).map(({ extensions }) => extensions.code);
  });
  for (let i = 0; i < 5; i++) {
    await sleep(30);
    proxy.cut();
  }
  const codes = new Set((await Promise.all(work)).flat());
  expect([...codes].filter((code) => code !== 'SERVICE_UNAVAILABLE')).toEqual([]);
  await backAgain(buyers[0] as Buyer);
  await Promise.all(
    buyers.map(async (buyer, i) => {
      await eventually(async () => (await buyer.ask(CHARGE)).errors === undefined);
      await eventually(
        async () => (await buyer.ask(RESERVE, { show: free.id, seat: free.seats[i] })).errors === undefined,
      );
      expect(await belongings(buyer)).toMatchObject({
        balance: 5_100,
        sum: 5_100,
        entries: 2,
        reservations: 1,
        holds: 1,
      });
    }),
  );
});
