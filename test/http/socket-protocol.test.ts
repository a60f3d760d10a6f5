import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { makeQueue } from '../support/builders.ts';
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

describe('a WebSocket', () => {
  it('that subscribes before it introduced itself is closed with 4401 and told nothing', async () => {
    const socket = await Socket.open(url);
    socket.subscribe('1', stats);
    expect(await socket.closed).toEqual({ code: 4401, reason: 'Unauthorized' });
    expect(socket.messages).toEqual([]);
  });

  it('that never introduces itself is closed with 4408', async () => {
    const socket = await Socket.open(url);
    const start = performance.now();
    expect((await socket.closed).code).toBe(4408);
    expect(performance.now() - start).toBeGreaterThan(4_000);
    expect(performance.now() - start).toBeLessThan(8_000);
  });

  it('that introduces itself twice is closed with 4429', async () => {
    const socket = await Socket.ready(url, operator);
    socket.send({ type: 'connection_init' });
    expect((await socket.closed).code).toBe(4429);
  });

  it('that takes one id twice at the same time is closed with 4409, and may take it again once it is free', async () => {
    const socket = await Socket.ready(url, operator);
    socket.subscribe('again', stats);
    await socket.until(({ type }) => type === 'next');
    socket.send({ type: 'complete', id: 'again' });
    await socket.settle();
    const heard = socket.messages.length;
    socket.subscribe('again', stats);
    await socket.until((message) => message.type === 'next' && socket.messages.indexOf(message) >= heard);
    socket.subscribe('again', stats);
    expect(await socket.closed).toEqual({ code: 4409, reason: 'Subscriber for again already exists' });
  });

  it.each([
    ['no JSON', 'hello'],
    ['no object', '[]'],
    ['no type', '{}'],
    ['a type that there is not', '{"type":"start","id":"1"}'],
    ['a subscription without an id', '{"type":"subscribe","payload":{"query":"{ a }"}}'],
    ['a subscription without a query', '{"type":"subscribe","id":"1","payload":{}}'],
    ['text for variables', '{"type":"subscribe","id":"1","payload":{"query":"subscription { a }","variables":"x"}}'],
  ])('that sends %s is closed with 4400, and the reason gives nothing of us away', async (_what, message) => {
    const socket = await Socket.ready(url, operator);
    socket.send(message);
    const { code, reason } = await socket.closed;
    expect(code).toBe(4400);
    expect(reason).not.toMatch(/JSON|position|undefined|\.js/);
  });

  it('that speaks another protocol, or none, is closed with 4406', async () => {
    for (const protocols of [['graphql-ws'], []]) {
      const socket = new WebSocket(url.replace(/^http/, 'ws'), protocols);
      const code = await new Promise((resolve) => {
        socket.on('error', () => resolve('handshake refused'));
        socket.on('close', (closed) => resolve(closed));
      });
      expect([4406, 'handshake refused']).toContain(code);
    }
  });

  it('that completes what it never began is served on', async () => {
    const socket = await Socket.ready(url, operator);
    for (const id of ['nothing', '__proto__', 'constructor', 'toString']) socket.send({ type: 'complete', id });
    socket.subscribe('__proto__', stats);
    await socket.until(({ type, id }) => type === 'next' && id === '__proto__');
    await socket.close();
  });
});

describe('a query or mutation over WebSocket', () => {
  it.each([
    ['a query', '{ settings { currency } }'],
    ['a mutation', 'mutation { createQueue(input: { name: "sneaked in", capacity: 1 }) { id } }'],
    [
      'a mutation beside a subscription',
      'subscription S { queueStats(queueId: "x") { waiting } } mutation M { createQueue(input: { name: "sneaked in", capacity: 1 }) { id } }',
    ],
  ])('%s is refused, does nothing, and leaves the socket open', async (_what, query) => {
    const socket = await Socket.ready(url, operator);
    socket.send({
      type: 'subscribe',
      id: '1',
      payload: { query, ...(query.includes(' M ') && { operationName: 'M' }) },
    });
    const { type, payload } = await socket.until(({ id }) => id === '1');
    expect({ type, payload }).toMatchObject({ type: 'error', payload: [{ extensions: { code: 'BAD_USER_INPUT' } }] });
    expect(payload[0].message).toContain('send queries and mutations by HTTP to /graphql');
    await socket.settle();
    expect(socket.messages.filter(({ id }) => id === '1')).toHaveLength(1);
    expect((await world.pool.query(`select 1 from queue where name = 'sneaked in'`)).rows).toEqual([]);
    await socket.close();
  });
});

describe('the handshake', () => {
  it('is refused to a page of a foreign origin, and granted to one of this machine and to what is no page', async () => {
    for (const origin of ['https://evil.example.com', 'http://localhost.evil.example.com', 'null', 'file://', 'x']) {
      await expect(Socket.open(url, { origin })).rejects.toThrow('403');
    }
    for (const origin of ['http://localhost:3000', 'http://127.0.0.1:5173', new URL(url).origin, undefined]) {
      await (await Socket.open(url, origin === undefined ? {} : { origin })).close();
    }
  });

  it('is refused on another path', async () => {
    await expect(Socket.open(url.replace('/graphql', '/'))).rejects.toThrow('404');
    await expect(Socket.open(url.replace('/graphql', '/health/live'))).rejects.toThrow('404');
  });
});
