import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { connectionsTo } from '../support/connections.ts';
import type { AppProcess } from '../support/process.ts';
import { Socket } from '../support/socket.ts';
import { whileLocked } from '../support/while-locked.ts';
import { World } from '../support/world.ts';

const CHARGES = 300;

let world: World;
beforeAll(async () => {
  world = await World.open({ processes: 0 });
});
afterAll(() => world.close());

/** Sends one charge; undefined when the connection broke before the answer was there. */
function charge(agent: Agent, { url }: AppProcess, { accessToken }: Buyer, key: string): Promise<Data | undefined> {
  const query = `mutation { charge(input: { amount: 1, idempotencyKey: "${key}" }) { __typename } }`;
  return new Promise((resolve) => {
    const sent = request(url, {
      agent,
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${accessToken}` },
    });
    sent.on('error', () => resolve(undefined));
    sent.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('error', () => resolve(undefined));
      response.on('end', () => resolve({ connection: response.headers.connection, ...JSON.parse(text) }));
    });
    sent.end(JSON.stringify({ query }));
  });
}

/** Ends the process as an operator would. @returns its exit code, and how long it took in milliseconds */
async function terminate({ child }: AppProcess): Promise<{ code: number; ms: number }> {
  const start = performance.now();
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const [code] = (await exited) as [number];
  return { code, ms: performance.now() - start };
}

/** Keys of the charges that were committed. */
async function committed(): Promise<Set<string>> {
  const { rows } = await world.pool.query(`select key from idempotency_key where mutation = 'charge'`);
  return new Set(rows.map(({ key }) => key));
}

it('what was accepted before SIGTERM is answered, then the connections close and the process exits 0', async () => {
  const started = await world.startProcess();
  const buyers = await world.buyers(40);
  const agent = new Agent({ keepAlive: true });
  // A connection that waits for nothing, and a socket that is subscribed to nothing.
  await charge(agent, started, buyers[0] as Buyer, randomUUID());
  const socket = await Socket.ready(started.url, buyers[0]?.accessToken);
  const keys: string[] = buyers.map(() => randomUUID());
  const lock = { text: 'select from wallet where user_id = any($1) for update', values: [buyers.map(({ id }) => id)] };
  const [answers, ended] = await whileLocked(world.pool, lock, async () => {
    const answering = Promise.all(buyers.map((buyer, i) => charge(agent, started, buyer, keys[i] as string)));
    const waits = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    await eventually(async () => ((await world.pool.query(waits)).rowCount ?? 0) > 0);
    await eventually(async () => {
      const open = await connectionsTo(started.url);
      return open.length >= buyers.length && open.every(({ unread }) => unread === 0);
    });
    const ending = terminate(started);
    await sleep(200);
    await expect(fetch(started.url)).rejects.toThrow();
    expect(started.child.exitCode).toBeNull();
    return [answering, ending] as const;
  });
  const done = new Set<string>();
  let afterwards = 0;
  for (const [index, answer] of (await answers).entries()) {
    if (answer?.connection === 'close') afterwards++;
    // A charge that waits for a lock for longer than a second is answered so.
    const isDone = answer?.data?.charge?.__typename === 'LedgerEntry';
    if (isDone) done.add(keys[index] as string);
    else expect(answer?.errors).toMatchObject([{ extensions: { code: 'SERVICE_UNAVAILABLE' } }]);
  }
  expect([afterwards, done.size]).not.toContain(0);
  expect((await ended).code).toBe(0);
  expect((await ended).ms).toBeLessThan(10_000);
  expect((await socket.closed).code).toBe(1001);
  expect(new Set([...(await committed())].filter((key) => keys.includes(key)))).toEqual(done);
  agent.destroy();
}, 30_000);

it('SIGTERM under load leaves no charge committed and not answered', async () => {
  const started = await world.startProcess();
  const buyers = await world.buyers(CHARGES);
  const agent = new Agent({ keepAlive: true, maxSockets: 50 });
  const answered = new Set<string>();
  const keys = new Set<string>();
  let isEnding = false;
  const clients = buyers.map(async (buyer) => {
    while (!isEnding) {
      const key = randomUUID();
      keys.add(key);
      const answer = await charge(agent, started, buyer, key);
      if (answer?.data?.charge?.__typename === 'LedgerEntry') answered.add(key);
    }
  });
  await eventually(() => answered.size > CHARGES);
  const { code, ms } = await terminate(started);
  isEnding = true;
  agent.destroy();
  await Promise.all(clients);
  expect(code).toBe(0);
  expect(ms).toBeLessThan(10_000);
  const unanswered = [...(await committed())].filter((key) => keys.has(key) && !answered.has(key));
  expect(unanswered).toEqual([]);
}, 60_000);
