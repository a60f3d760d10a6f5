import { hash } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket as NetSocket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import type { AppProcess } from '../support/process.ts';
import { Socket } from '../support/socket.ts';
import { Stream } from '../support/stream.ts';
import { World } from '../support/world.ts';

const PUBLIC = '{ settings { currency } }';
const UNREAD = '{ settings { timeZone } }';
const OWN = '{ wallet { balance } }';
const SIGN_IN = `mutation { signIn(input: { name: "nobody there", password: "not the password" }) { ... on Problem { code } } }`;
const SUBSCRIBE = 'subscription { queuePosition(token: "x") { status } }';

let world: World;
/** One that can be kept busy; one beside it with few connections. */
let busy: AppProcess;
let small: AppProcess;
let buyer: Buyer;
let operator: Buyer;
beforeAll(async () => {
  const limits = { ANONYMOUS_SOCKETS: '6', ANONYMOUS_SOCKETS_PER_ADDRESS: '3' };
  world = await World.open({ processes: 0, env: { ...limits, TRUSTED_PROXIES: '127.0.0.1' } });
  [busy, small] = await Promise.all([
    world.startProcess({ BUSY_MS: '100' }, './keep-busy.ts'),
    world.startProcess({ CONNECTIONS: '32' }),
  ]);
  buyer = (await world.buyer()).at(busy.url);
  operator = (await world.operator()).at(busy.url);
});
afterAll(() => world.close());

interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: Data;
}

/** Asks over a connection of its own. @param who undefined: nobody */
function ask(url: string, query: string, who?: Buyer): Promise<Answer> {
  return send(url, 'POST', who ? { authorization: `Bearer ${who.accessToken}` } : {}, JSON.stringify({ query }));
}

const health = async (url: string): Promise<number> => (await send(new URL('/health/ready', url).href, 'GET')).status;

function send(url: string, method: string, headers: Record<string, string> = {}, body = ''): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, agent: false, headers: { 'content-type': 'application/json', ...headers } });
    asked.once('error', reject);
    asked.once('response', async (response) => {
      const text = (await response.setEncoding('utf8').toArray()).join('');
      const retryAfter = response.headers['retry-after'];
      resolve({ status: response.statusCode ?? 0, retryAfter, body: JSON.parse(text) });
    });
    asked.end(body);
  });
}

/** An open socket of an address on which nobody is signed in. */
const guest = (address: string): Promise<Socket> => Socket.open(busy.url, { headers: { 'x-forwarded-for': address } });

const areOpen = (sockets: Socket[]): boolean[] => sockets.map(({ isOpen }) => isOpen);

it('of the sockets of one address, and of all, on which nobody is signed in the oldest gives way', async () => {
  const sockets: Socket[] = [];
  for (let count = 0; count < 4; count++) sockets.push(await guest('10.0.0.1'));
  expect(await sockets[0]?.closed).toMatchObject({ code: 1013 });
  for (let count = 0; count < 3; count++) sockets.push(await guest('10.0.0.2'));
  expect(areOpen(sockets)).toEqual([false, true, true, true, true, true, true]);

  sockets.push(await guest('10.0.0.3'));
  expect(await sockets[1]?.closed).toMatchObject({ code: 1013 });
  expect(areOpen(sockets)).toEqual([false, false, true, true, true, true, true, true]);

  // Who leaves makes room: nobody has to give way.
  await sockets[2]?.close();
  await eventually(async () => {
    sockets.push(await guest('10.0.0.4'));
    await sockets.at(-1)?.close();
    return sockets[3]?.isOpen === true;
  });
  await Promise.all(sockets.map((socket) => socket.close()));
});

it('a socket on which somebody is signed in does not give way, however many others come', async () => {
  const signedIn = await Promise.all(Array.from({ length: 3 }, () => Socket.ready(busy.url, buyer.accessToken)));
  const flood: Socket[] = [];
  for (let count = 0; count < 20; count++) flood.push(await guest(`10.0.1.${count % 5}`));
  await eventually(() => areOpen(flood).filter(Boolean).length === 6);
  expect(areOpen(signedIn)).toEqual([true, true, true]);
  await Promise.all([...signedIn, ...flood].map((socket) => socket.close()));
});

it('streams on which nobody is signed in are not counted any more once they have ended', async () => {
  const waiting = await guest('10.0.2.1');
  for (let count = 0; count < 8; count++) {
    const stream = await Stream.open(busy.url, { 'x-forwarded-for': '10.0.2.1' }, { query: SUBSCRIBE });
    await stream.over;
    expect(stream.text).toContain('UNAUTHENTICATED');
  }
  expect(waiting.isOpen).toBe(true);
  await waiting.close();
});

/** Whether who is not signed in is asked to come back later. */
async function isShedding(): Promise<boolean> {
  return (await ask(busy.url, PUBLIC)).status === 429;
}

async function expectShedding(): Promise<void> {
  const shed = await ask(busy.url, PUBLIC);
  expect(shed).toMatchObject({ status: 429, body: { errors: [{ extensions: { code: 'RATE_LIMITED' } }] } });
  const { retryAfterMs } = shed.body.errors[0].extensions;
  expect(retryAfterMs).toBeGreaterThanOrEqual(1_000);
  expect(retryAfterMs).toBeLessThanOrEqual(3_000);
}

it('while the event loop is late, who is not signed in is asked to come back, and all others are served', async () => {
  busy.child.send('work');
  await eventually(isShedding);

  const guestSocket = async (): Promise<Socket> => {
    const socket = await Socket.open(busy.url);
    socket.send({ type: 'connection_init' });
    return socket;
  };
  const extensions = { persistedQuery: { version: 1, sha256Hash: hash('sha256', UNREAD) } };
  const unread = await send(busy.url, 'POST', {}, JSON.stringify({ query: UNREAD, extensions }));
  expect(unread.status).toBe(429);
  const pay = 'mutation { signIn(input: { name: "a", password: "b" }) { __typename } pay { __typename } }';
  const [own, signIn, signedIn, ready, socket, stream, ...shed] = await Promise.all([
    ask(busy.url, OWN, buyer),
    ask(busy.url, SIGN_IN),
    Socket.ready(busy.url, buyer.accessToken),
    health(busy.url),
    guestSocket(),
    Stream.open(busy.url, {}, { query: SUBSCRIBE }),
    ask(busy.url, pay),
    expectShedding(),
  ]);
  expect(own.body.data.wallet).toEqual({ balance: 0 });
  expect(signIn.body.data.signIn).toEqual({ code: 'INVALID_CREDENTIALS' });
  expect(ready).toBe(200);
  expect(stream.status).toBe(429);
  expect(shed[0].status, 'more than signing in').toBe(429);
  expect(await socket.closed).toMatchObject({ code: 1013 });
  expect((await ask(small.url, PUBLIC)).status, 'another process').toBe(200);

  busy.child.send('rest');
  await eventually(async () => !(await isShedding()));
  expect((await ask(busy.url, PUBLIC)).status).toBe(200);
  const { body } = await send(busy.url, 'POST', {}, JSON.stringify({ extensions }));
  expect(body.errors[0].extensions.code, 'it was not read').toBe('PERSISTED_QUERY_NOT_FOUND');
  expect(signedIn.isOpen).toBe(true);
  await signedIn.close();
});

it('while work waits for connections to PostgreSQL, who is not signed in is asked to come back', async () => {
  const blocker = await world.pool.connect();
  await blocker.query('begin; lock table shop_order in access exclusive mode');
  const orders = '{ orders { edges { node { id } } } }';
  let isBlocked = true;
  const asking = Array.from({ length: 20 }, async () => {
    while (isBlocked) await ask(busy.url, orders, buyer);
  });
  await eventually(isShedding);
  await expectShedding();

  isBlocked = false;
  await blocker.query('rollback');
  blocker.release();
  await Promise.all(asking);
  await eventually(async () => !(await isShedding()));
  expect((await ask(busy.url, orders, buyer)).status).toBe(200);
});

it('a flood of connections that say nothing closes itself, and whoever asks is served', async () => {
  const { port } = new URL(small.url);
  const silent: NetSocket[] = [];
  for (let count = 0; count < 100; count++) {
    const socket = connect(Number(port), '127.0.0.1').on('error', () => undefined);
    await once(socket, 'connect');
    silent.push(socket);
  }
  expect(await health(small.url)).toBe(200);
  expect((await ask(small.url, OWN, operator)).status).toBe(200);
  expect((await ask(small.url, OWN, buyer)).status).toBe(200);
  await eventually(() => silent.filter(({ closed }) => !closed).length <= 24);
  for (const socket of silent) socket.destroy();
});

it('the last connections are for health and operators: others are asked to come back, until there is room', async () => {
  const sockets: Socket[] = [];
  while (sockets.length < 24) sockets.push(await Socket.ready(small.url, buyer.accessToken));

  const refused = await ask(small.url, OWN, buyer);
  expect(refused).toMatchObject({ status: 503, retryAfter: '1' });
  expect(refused.body.errors[0].extensions).toEqual({ code: 'RATE_LIMITED', retryAfterMs: 1_000 });
  expect((await ask(small.url, PUBLIC)).status).toBe(503);
  await expect(Socket.open(small.url)).rejects.toThrow('503');
  expect(await health(small.url)).toBe(200);
  expect((await ask(small.url, OWN, operator)).status).toBe(200);
  expect(areOpen(sockets)).toEqual(Array(24).fill(true));

  await Promise.all(sockets.slice(0, 4).map((socket) => socket.close()));
  await eventually(async () => (await ask(small.url, OWN, buyer)).status === 200);
  await Promise.all(sockets.map((socket) => socket.close()));
});
