import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, makeShow } from '../support/builders.ts';
import type { Buyer, Data } from '../support/client.ts';
import { connectionsTo } from '../support/connections.ts';
import { Socket } from '../support/socket.ts';
import { Stream } from '../support/stream.ts';
import { World } from '../support/world.ts';

const MIB = 1024 * 1024;
const SEATS = 900;
/** What the publishing itself makes the process grow, in MiB, with room to spare; what is not bounded is a hundred a second. */
const MAX_GROWTH = 200;
/** Rubbish is put away before it counts as growth. */
const TIDY = { NODE_OPTIONS: '--max-old-space-size=160 --max-semi-space-size=4' };

let world: World;
let url: string;
beforeAll(async () => {
  world = await World.open({ processes: 1, env: { WS_MAX_BUFFERED_BYTES: `${64 * 1024}`, ...TIDY } });
  url = world.urls[0] as string;
});
afterAll(() => world.close());

/** What the process takes of the machine's memory, in bytes. */
async function residentBytes(index: number): Promise<number> {
  const status = await readFile(`/proc/${world.processes[index]?.child.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

/** Tells all who watch the show that all its seats have changed, as a process that sold them would. */
async function publish(showId: string, revision: number): Promise<void> {
  const seats = Array.from({ length: SEATS }, (_, index) => ({
    ...{ id: `seat ${index}`, showId, number: index + 1, label: `${index + 1} ${'x'.repeat(80)}`, price: 1 },
    ...{ status: 'FREE', revision },
  }));
  await world.redis.publish(`onsale:seats:${showId}`, JSON.stringify(seats));
}

/** Whether the process still holds its end of the connections of those ports of ours. */
async function holds(index: number, ports: number[]): Promise<boolean> {
  const open = await connectionsTo(world.urls[index] as string);
  return open.some(({ port }) => ports.includes(port));
}

/** Publishes until `done`, and answers how much the process has grown meanwhile, in MiB. */
async function floodUntil(showId: string, index: number, done: () => Promise<boolean>): Promise<number> {
  const before = await residentBytes(index);
  let most = 0;
  let revision = 0;
  await eventually(async () => {
    for (let i = 0; i < 5; i++) await publish(showId, ++revision);
    most = Math.max(most, (await residentBytes(index)) - before);
    return done();
  }, 60_000);
  return most / MIB;
}

async function watchers(at: string): Promise<{ showId: string; query: string; buyer: Buyer; calm: Socket }> {
  const show = await makeShow(await world.operator());
  const query = `subscription { seatChanges(showId: "${show.id}") { seats { label revision } } }`;
  const [buyer, other] = (await world.buyers(2)) as [Buyer, Buyer];
  const calm = await Socket.ready(at, other.accessToken);
  calm.subscribe('calm', query);
  await calm.settle();
  return { showId: show.id, query, buyer, calm };
}

const newest = ({ messages }: Socket): number =>
  Math.max(0, ...messages.map(({ payload }: Data) => payload?.data?.seatChanges.seats[0]?.revision ?? 0));

/** Whoever reads hears what is published now. */
async function expectUnharmed(calm: Socket, showId: string): Promise<void> {
  const next = newest(calm) + 1_000;
  await publish(showId, next);
  await eventually(() => newest(calm) === next);
  expect(world.processes.every(({ child }) => child.exitCode === null)).toBe(true);
  await calm.close();
}

it('a socket that never reads is cut off when too much waits for it, and others notice nothing', async () => {
  const { showId, query, buyer, calm } = await watchers(url);
  const socket = await Socket.ready(url, buyer.accessToken);
  for (let i = 0; i < 50; i++) socket.subscribe(`${i}`, query);
  await socket.settle();
  socket.pause();
  const grown = await floodUntil(showId, 0, async () => !(await holds(0, [socket.port])));
  socket.resume();
  expect((await socket.closed).code).toBe(1006);
  expect(grown).toBeLessThan(MAX_GROWTH);
  await expectUnharmed(calm, showId);
}, 60_000);

it('so is a stream, and a socket for whom less than that waits, once they have taken nothing for ten seconds', async () => {
  const patient = await world.startProcess({ WS_MAX_BUFFERED_BYTES: `${64 * MIB}`, ...TIDY });
  const { showId, query, buyer, calm } = await watchers(patient.url);
  const socket = await Socket.ready(patient.url, buyer.accessToken);
  socket.subscribe('1', query);
  await socket.settle();
  const stream = await Stream.subscribe(patient.url, buyer.accessToken, query);
  await eventually(() => stream.text.length > 0);
  socket.pause();
  stream.pause();
  const grown = await floodUntil(showId, 1, async () => !(await holds(1, [socket.port, stream.port])));
  socket.resume();
  stream.resume();
  expect((await socket.closed).code).toBe(1006);
  expect(await stream.over).toBe('broken');
  expect(grown).toBeLessThan(MAX_GROWTH);
  await expectUnharmed(calm, showId);
}, 90_000);
