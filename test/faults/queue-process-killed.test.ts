import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, makeQueue } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import { enterWith, issue } from '../support/codes.ts';
import { leave, line, look, type Place, positions, statsOf, statuses, until, update } from '../support/places.ts';
import { Socket } from '../support/socket.ts';
import { World } from '../support/world.ts';

const SUBSCRIBERS = 1_000;
const AT_ONCE = 50;
const WATCH = 'subscription ($token: ID!) { queuePosition(token: $token) { position status endReason } }';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = (await world.operator()).at(world.urls[1] as string);
});
afterAll(() => world.close());

/** Does the work for all, some at a time. */
async function each<T, R>(all: T[], work: (one: T) => Promise<R>): Promise<R[]> {
  const done: R[] = [];
  for (let from = 0; from < all.length; from += AT_ONCE) {
    done.push(...(await Promise.all(all.slice(from, from + AT_ONCE).map(work))));
  }
  return done;
}

/** Subscribes to the place at a process, over a socket of its own. */
async function watchAt(url: string, { buyer, value }: Place): Promise<Socket> {
  const socket = await Socket.ready(url, buyer.accessToken);
  socket.subscribe('place', WATCH, { token: value });
  await socket.until(({ type }) => type === 'next');
  return socket;
}

/** The latest that a socket told. */
const latest = (socket: Socket) => socket.messages.findLast(({ type }) => type === 'next').payload.data.queuePosition;

it('a thousand subscribers of a process that is killed find their places at the other one, and nobody is lost', async () => {
  const [doomed, other] = world.urls as [string, string];
  const queueId = await makeQueue(operator, { capacity: 0, awaySeconds: 30 });
  const buyers = (await world.buyers(SUBSCRIBERS)).map((buyer) => buyer.at(other));
  const places = (await each(buyers, async (buyer) => line([buyer], queueId))).flat();
  const sockets = await each(places, (place) => watchAt(doomed, place));
  await eventually(() => new Set(sockets.map((socket) => latest(socket).position)).size === SUBSCRIBERS);
  const before = sockets.map((socket) => latest(socket).position);

  await world.processes[0]?.stop('SIGKILL');
  await Promise.all(sockets.map(({ closed }) => closed));
  const again = await each(places, (place) => watchAt(other, place));

  expect(again.map((socket) => latest(socket).position)).toEqual(before);
  await update(operator, queueId, { capacity: SUBSCRIBERS });
  await eventually(() => again.every((socket) => latest(socket).status === 'ACTIVE'));
  expect(await statsOf(operator, queueId)).toMatchObject({
    ...{ entered: SUBSCRIBERS, admitted: SUBSCRIBERS, active: SUBSCRIBERS },
    ...{ waiting: 0, expired: 0, left: 0 },
  });
  await Promise.all(again.map((socket) => socket.close()));
  await world.startProcess();
}, 120_000);

it('a Redis that is killed and started again has every place: lanes, those who left, and those who are ACTIVE', async () => {
  const url = world.urls[1] as string;
  const queueId = await makeQueue(operator, { capacity: 3 });
  const buyers = (await world.buyers(40)).map((buyer) => buyer.at(url));
  const codes = [...(await issue(operator, queueId, 9, 5)), ...(await issue(operator, queueId, 2, 5))];
  const places = await line(buyers.slice(0, 30), queueId);
  await until(places[2]!, 'ACTIVE');
  for (const [index, code] of codes.entries()) {
    const buyer = buyers[30 + index] as Buyer;
    places.push({ buyer, value: (await enterWith(buyer, queueId, code)).value });
  }
  for (const index of [5, 12, 33]) await leave(places[index]!);
  await eventually(async () => (await look(places[29]!)).position === 34);
  const before = [await statuses(places), await positions(places)];
  const ends = await Promise.all(places.slice(0, 3).map(look));

  await world.redisServer.kill();
  await world.redisServer.start();
  // A place that waits is told from the ticks meanwhile; one that is ACTIVE only when Redis is back.
  await eventually(async () => (await look(places[0]!).catch(() => undefined)) !== undefined);

  expect([await statuses(places), await positions(places)]).toEqual(before);
  for (const [index, { activeUntil }] of ends.entries()) {
    expect(await look(places[index]!)).toMatchObject({ status: 'ACTIVE', activeUntil });
  }
  await leave(places[0]!);
  await until(places[30]!, 'ACTIVE');
  expect(await statsOf(operator, queueId)).toMatchObject({ entered: 40, active: 3, expired: 0, left: 4 });
});
