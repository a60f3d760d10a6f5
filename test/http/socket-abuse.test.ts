import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, makeQueue } from '../support/builders.ts';
import { post } from '../support/client.ts';
import { Socket } from '../support/socket.ts';
import { World } from '../support/world.ts';

let world: World;
let url: string;
let operator: string;
let stats: string;
beforeAll(async () => {
  world = await World.open({ processes: 1 });
  url = world.urls[0] as string;
  const boss = await world.operator();
  operator = boss.accessToken;
  stats = `subscription { queueStats(queueId: "${await makeQueue(boss, { capacity: 1 })}") { waiting } }`;
});
afterAll(() => world.close());

/** Somebody well-behaved, on a socket of their own, who hears something each second. */
async function bystander(): Promise<Socket> {
  const socket = await Socket.ready(url, operator);
  socket.subscribe('calm', stats);
  await socket.until(({ type }) => type === 'next');
  return socket;
}

async function expectUnharmed(socket: Socket): Promise<void> {
  const heard = socket.messages.length;
  await eventually(() => socket.messages.length > heard);
  expect(socket.isOpen).toBe(true);
  expect((await post(url, '{ settings { currency } }')).status).toBe(200);
  expect(world.processes[0]?.child.exitCode).toBeNull();
  expect(world.processes[0]?.log()).not.toMatch(/"level":50/);
  await socket.close();
}

it('a socket has at most 100 subscriptions: the next is RATE_LIMITED until one of them ends', async () => {
  const calm = await bystander();
  const socket = await Socket.ready(url, operator);
  for (let i = 1; i <= 101; i++) socket.subscribe(`${i}`, stats);
  const { type, payload } = await socket.until(({ id }) => id === '101');
  expect({ type, payload }).toMatchObject({ type: 'error', payload: [{ extensions: { code: 'RATE_LIMITED' } }] });
  expect(payload[0].extensions.retryAfterMs).toBeGreaterThan(0);
  for (let i = 1; i <= 100; i++) await socket.until((message) => message.id === `${i}` && message.type === 'next');
  socket.send({ type: 'complete', id: '1' });
  socket.subscribe('102', stats);
  await socket.until(({ id, ...message }) => id === '102' && message.type === 'next');
  await socket.close();
  await expectUnharmed(calm);
});

it('a socket that subscribes 20,000 times is closed long before, and others are unaffected', async () => {
  const calm = await bystander();
  const socket = await Socket.ready(url, operator);
  for (let i = 0; i < 20_000; i++) socket.subscribe(`${i}`, stats);
  expect(await socket.closed).toEqual({ code: 1008, reason: 'Too many messages' });
  expect(new Set(socket.messages.filter(({ type }) => type === 'next').map(({ id }) => id)).size).toBeLessThanOrEqual(
    100,
  );
  await expectUnharmed(calm);
});

it('a socket that floods us with pings is closed, also one that reads none of the answers', async () => {
  const calm = await bystander();
  const [reads, stalls] = [await Socket.ready(url, operator), await Socket.ready(url, operator)];
  stalls.pause();
  for (let i = 0; i < 5_000; i++) for (const socket of [reads, stalls]) socket.send({ type: 'ping', payload: { i } });
  expect((await reads.closed).code).toBe(1008);
  stalls.resume();
  expect((await stalls.closed).code).toBe(1008);
  await expectUnharmed(calm);
});

it('a frame of more than 64 KiB closes the socket with 1009 before it is looked at, and others are unaffected', async () => {
  const calm = await bystander();
  for (const size of [65 * 1024, 1024 * 1024]) {
    const socket = await Socket.ready(url, operator);
    socket.send({ type: 'ping', payload: { filler: 'x'.repeat(size) } });
    expect((await socket.closed).code).toBe(1009);
    expect(socket.messages.map(({ type }) => type)).toEqual(['connection_ack']);
  }
  const socket = await Socket.ready(url, operator);
  socket.send({ type: 'ping', payload: { filler: 'x'.repeat(60 * 1024) } });
  await socket.until(({ type }) => type === 'pong');
  await socket.close();
  await expectUnharmed(calm);
});
