import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeQueue, makeShow, reserve } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { Socket } from '../support/socket.ts';
import { signToken, World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
});
afterAll(() => world.close());

it('a socket ends with 4403 when its access token does, and hears nothing of what happens after', async () => {
  const operator = await world.operator();
  const show = await makeShow(operator);
  const [listener, buyer] = (await world.buyers(2)) as [Buyer, Buyer];
  const url = world.urls[0] as string;
  const socket = await Socket.ready(url, await signToken(listener.id, 'BUYER', '2s'));
  const lasting = await Socket.ready(url, listener.accessToken);
  for (const each of [socket, lasting]) {
    each.subscribe('seats', `subscription { seatChanges(showId: "${show.id}") { seats { id } } }`);
  }
  await sleep(300);
  const told = (seat: number) => (message: Data) =>
    message.payload?.data?.seatChanges.seats.some(({ id }: Data) => id === show.seats[seat]) ?? false;
  await reserve(buyer, show.id, [show.seats[0] as string]);
  await socket.until(told(0));
  const before = performance.now();
  expect(await socket.closed).toEqual({ code: 4403, reason: 'Forbidden' });
  expect(performance.now() - before).toBeLessThan(2_500);
  await reserve(buyer, show.id, [show.seats[1] as string]);
  await lasting.until(told(1));
  expect(socket.messages.some(told(1))).toBe(false);
  await lasting.close();
});

it('a socket whose token is over before it introduces itself is never acknowledged', async () => {
  const { id } = await world.buyer();
  const accessToken = await signToken(id, 'BUYER', '1s');
  const socket = await Socket.open(world.urls[0] as string);
  await sleep(1_100);
  socket.send({ type: 'connection_init', payload: { authorization: `Bearer ${accessToken}` } });
  expect((await socket.closed).code).toBe(4403);
  expect(socket.messages).toEqual([]);
});

it('a socket of an operator whose row loses the role ends with 4403, and tells no count after that', async () => {
  const { id } = await world.buyer();
  await world.pool.query(`update user_account set role = 'OPERATOR' where id = $1`, [id]);
  const queueId = await makeQueue(await world.operator(), { capacity: 1 });
  const socket = await Socket.ready(world.urls[0] as string, await signToken(id, 'OPERATOR'));
  socket.subscribe('stats', `subscription { queueStats(queueId: "${queueId}") { waiting } }`);
  await socket.until(({ type }) => type === 'next');
  await world.pool.query(`update user_account set role = 'BUYER' where id = $1`, [id]);
  const heard = socket.messages.length;
  expect((await socket.closed).code).toBe(4403);
  // A count that was on its way when the role was taken may still arrive; none that was made later may.
  expect(socket.messages.length - heard).toBeLessThanOrEqual(1);
  for (const { payload } of socket.messages.slice(1)) expect(payload.errors).toBeUndefined();
});

it('a socket is closed with 1001 when the process ends, which does not wait for it', async () => {
  const ending = await world.startProcess();
  const socket = await Socket.ready(ending.url, (await world.operator()).accessToken);
  const start = performance.now();
  await ending.stop();
  expect(performance.now() - start).toBeLessThan(5_000);
  expect((await socket.closed).code).toBe(1001);
  world.processes.splice(world.processes.indexOf(ending), 1);
});
