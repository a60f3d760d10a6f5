import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, makeShow } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import { Socket } from '../support/socket.ts';
import { Stream } from '../support/stream.ts';
import { World } from '../support/world.ts';

let world: World;
let url: string;
let watch: string;
beforeAll(async () => {
  world = await World.open({ processes: 1, env: { SOCKETS_PER_USER: '3', SUBSCRIPTIONS_PER_USER: '5' } });
  url = world.urls[0] as string;
  const show = await makeShow(await world.operator());
  watch = `subscription { seatChanges(showId: "${show.id}") { resync } }`;
});
afterAll(() => world.close());

/** How many of the socket's subscriptions, by id, were refused once everything sent has been answered. */
async function refusedOn(socket: Socket, ids: string[]): Promise<string[]> {
  for (const id of ids) socket.subscribe(id, watch);
  await socket.settle();
  const errors = socket.messages.filter(({ type }) => type === 'error');
  for (const { payload } of errors) {
    expect(payload).toMatchObject([{ extensions: { code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) } }]);
  }
  return errors.map(({ id }) => id as string);
}

/** A stream that was not refused says nothing yet. */
async function isRefused(stream: Stream): Promise<boolean> {
  await eventually(() => stream.text.length > 0);
  await new Promise((resolve) => setTimeout(resolve, 100));
  if (stream.results.length === 0) return false;
  expect(stream.results).toMatchObject([{ errors: [{ extensions: { code: 'RATE_LIMITED' } }] }]);
  return true;
}

it('a user has SOCKETS_PER_USER sockets: the next is closed with 4430 until one of them ends, and others are free', async () => {
  const [buyer, other] = (await world.buyers(2)) as [Buyer, Buyer];
  const sockets = await Promise.all([1, 2, 3].map(() => Socket.ready(url, buyer.accessToken)));
  const fourth = await Socket.open(url);
  fourth.send({ type: 'connection_init', payload: { authorization: `Bearer ${buyer.accessToken}` } });
  expect(await fourth.closed).toEqual({ code: 4430, reason: 'Too many sockets' });
  expect(fourth.messages).toEqual([]);
  await (await Socket.ready(url, other.accessToken)).close();
  expect(sockets.every(({ isOpen }) => isOpen)).toBe(true);
  await sockets[0]?.close();
  await eventually(async () => {
    const again = await Socket.open(url);
    again.send({ type: 'connection_init', payload: { authorization: `Bearer ${buyer.accessToken}` } });
    return Promise.race([again.closed.then(() => false), again.until(({ type }) => type === 'connection_ack')]);
  });
});

it('a user has SUBSCRIPTIONS_PER_USER over sockets and streams together, and gets each back when it ends', async () => {
  const [buyer, other] = (await world.buyers(2)) as [Buyer, Buyer];
  const { accessToken } = buyer;
  const [one, two] = [await Socket.ready(url, accessToken), await Socket.ready(url, accessToken)];
  expect(await refusedOn(one, ['1', '2', '3'])).toEqual([]);
  const streams = [await Stream.subscribe(url, accessToken, watch), await Stream.subscribe(url, accessToken, watch)];
  expect(await Promise.all(streams.map(isRefused))).toEqual([false, false]);
  expect(await refusedOn(two, ['4'])).toEqual(['4']);
  expect(await isRefused(await Stream.subscribe(url, accessToken, watch))).toBe(true);
  expect(await isRefused(await Stream.subscribe(url, other.accessToken, watch)), 'another user').toBe(false);
  one.send({ type: 'complete', id: '1' });
  await one.settle();
  expect(await refusedOn(two, ['5'])).toEqual(['4']);
  streams[0]?.close();
  await one.close();
  // One of a stream and two of a socket are free again, of five.
  const probe = await Socket.ready(url, accessToken);
  await eventually(async () => {
    const before = probe.messages.length;
    probe.subscribe(`${before}`, watch);
    await probe.settle();
    return !probe.messages.slice(before).some(({ type }) => type === 'error');
  });
  expect(await isRefused(await Stream.subscribe(url, accessToken, watch))).toBe(false);
  expect(await isRefused(await Stream.subscribe(url, accessToken, watch))).toBe(false);
  expect(await isRefused(await Stream.subscribe(url, accessToken, watch))).toBe(true);
});

it('what is refused for other reasons does not count: a hundred of them leave room for one', async () => {
  const { accessToken } = await world.buyer();
  const socket = await Socket.ready(url, accessToken);
  for (let i = 0; i < 100; i++) {
    socket.subscribe(`${i}`, i % 2 ? 'subscription { seatChanges(showId: "x") { resync } }' : '{ nothing }');
    await socket.until(({ id, type }) => id === `${i}` && type !== 'next');
  }
  expect(JSON.stringify(socket.messages)).not.toContain('RATE_LIMITED');
  socket.messages.splice(0);
  expect(await refusedOn(socket, ['last'])).toEqual([]);
  await socket.close();
});
