import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, makeShow } from '../support/builders.ts';
import { type Data, post } from '../support/client.ts';
import { connectionsTo } from '../support/connections.ts';
import { World } from '../support/world.ts';

const MIB = 1024 * 1024;
const CLIENTS = 60;
/** Of the largest answer, which has 6 MB: more than the system itself keeps for a client that does not read. */
const COLUMNS = 9;
/** What waits for slow readers in all, and what answering makes the process grow, in MiB; unbounded it is ten times that. */
const MAX_GROWTH = 64 + 150;

let world: World;
let url: string;
let showId: string;
beforeAll(async () => {
  // Rubbish is put away before it counts as growth.
  const env = { NODE_OPTIONS: '--max-old-space-size=256 --max-semi-space-size=4' };
  world = await World.open({ processes: 1, env });
  url = world.urls[0] as string;
  showId = (await makeShow(await world.operator(), { seatCount: 5_000, seatsPerRow: 100 })).id;
});
afterAll(() => world.close());

/** A document whose answer has `columns` times 700 KB, and that nobody else sends. */
function largeDocument(client: number, columns: number): string {
  const aliases = Array.from({ length: columns }, (_, i) => `client${client}column${i}`.padEnd(100, '_'));
  return `{ seatMap(showId: "${showId}") { ${aliases.map((alias) => `${alias}: id`).join(' ')} } }`;
}

/** Asks on a connection of its own and reads nothing of the answer. */
function ask(query: string): Socket {
  const { hostname, port } = new URL(url);
  const body = JSON.stringify({ query });
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  socket.pause();
  socket.write(
    `POST /graphql HTTP/1.1\r\nhost: ${hostname}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  return socket;
}

async function residentMiB(): Promise<number> {
  const status = await readFile(`/proc/${world.processes[0]?.child.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

it('clients that ask for the largest answers and never read are cut off, in bounded memory, while others are served', async () => {
  const before = await residentMiB();
  let most = before;
  const sockets: Socket[] = [];
  const ports: (number | undefined)[] = [];
  for (let client = 0; client < CLIENTS; client++) sockets.push(ask(largeDocument(client, COLUMNS)));
  for (const socket of sockets) {
    if (socket.connecting) await once(socket, 'connect');
    ports.push(socket.localPort);
  }
  let served = 0;
  await eventually(async () => {
    most = Math.max(most, await residentMiB());
    expect((await post(url, '{ settings { currency } }')).data).toEqual({ settings: { currency: 'KRW' } });
    served++;
    return !(await connectionsTo(url)).some(({ port }) => ports.includes(port));
  }, 120_000);
  expect(most - before).toBeLessThan(MAX_GROWTH);
  // While sixty lists are written, and not after them.
  expect(served).toBeGreaterThan(10);
  for (const socket of sockets) socket.destroy();
}, 150_000);

it('a client that reads slowly gets all of its answer, to the byte', async () => {
  const query = largeDocument(0, COLUMNS);
  const text = JSON.stringify({ data: (await post(url, query)).data });
  expect(text.length).toBeGreaterThan(6 * MIB);
  const socket = ask(query);
  const read: Buffer[] = [];
  await eventually(async () => {
    const chunk = socket.read() as Buffer | null;
    if (chunk) read.push(chunk);
    return Buffer.concat(read).includes(text.slice(-1_000));
  }, 60_000);
  const [head, body] = Buffer.concat(read).toString().split('\r\n\r\n');
  expect(head).toMatch(/^HTTP\/1.1 200 OK/);
  expect(head).toContain(`content-length: ${Buffer.byteLength(text)}`);
  expect(body === text).toBe(true);
  socket.destroy();
});

it('an answer with characters of several bytes is sent whole', async () => {
  const title = `${'ㄱ'.repeat(99)}🎟`;
  const operator = await world.operator();
  const made = Array.from({ length: 100 }, () =>
    operator.get('mutation ($input: CreateConcertInput!) { createConcert(input: $input) { id } }', {
      input: { title, description: `x${title.repeat(20)}` },
    }),
  );
  await Promise.all(made);
  const { data } = await post(url, '{ concerts(first: 100) { edges { node { title description } } } }');
  const node = { title, description: `x${title.repeat(20)}` };
  expect(data.concerts.edges.map((edge: Data) => edge.node)).toEqual(Array(100).fill(node));
});

it('an answer of more than 16 MiB is not sent: less has to be asked for', async () => {
  const { errors, data } = await post(url, largeDocument(0, 25));
  expect({ data, code: errors?.[0]?.extensions.code }).toEqual({ data: undefined, code: 'BAD_USER_INPUT' });
});
