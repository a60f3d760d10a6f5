import { afterEach, beforeEach, expect, it } from 'vitest';
import { queueKey } from '../../src/queue/line/line.ts';
import { enter, eventually } from '../support/builders.ts';
import { InterruptedOpening, interrupt, resume } from '../support/interrupted-opening.ts';
import { look, pause, positions, statsOf, statuses, update } from '../support/places.ts';
import { World } from '../support/world.ts';

const PRELOAD = './stop-in-opening.ts';
/** A lease lapses after 3 seconds, a transaction whose process hangs after 5; the machine may be busy. */
const TAKE_OVER_MS = 40_000;

let world: World;
let opening: InterruptedOpening;
beforeEach(async () => {
  world = await World.open({ processes: 1 });
  opening = await InterruptedOpening.make(world);
});
afterEach(async () => {
  for (const { child } of world.processes) child.kill('SIGCONT');
  await world.close();
});

const isOpen = async (): Promise<boolean> =>
  (await world.redis.hget(`${queueKey(opening.queueId)}:settings`, 'phase')) === null;

/** Everybody stands as the seed prescribes, at every process, and the first are let in when there is room. */
async function expectDrawn(): Promise<void> {
  const { queueId, operator, plain, coded, late } = opening;
  const { told, right, places } = await opening.expected();
  expect(told).toEqual(right);
  const [url] = world.urls as [string];
  const here = places.map(({ buyer, value }) => ({ value, buyer: buyer.at(url) }));
  expect(await positions(here)).toEqual(here.map((_place, index) => index + 1));
  expect(await statsOf(operator, queueId)).toMatchObject({
    ...{ entered: plain.length + coded.length + late.length, left: opening.gone.length > 0 ? 1 : 0 },
    ...{ waiting: places.length, active: 0, admitted: 0 },
  });
  await update(operator, queueId, { capacity: 3 });
  await eventually(async () => (await statuses(here.slice(0, 3))).every((status) => status === 'ACTIVE'));
  expect(await positions(here.slice(3, 30))).toEqual(here.slice(3, 30).map((_place, index) => index + 1));
}

/** A process that gets the signal at that step of the opening has got it; the other one runs again. */
async function stopAt(step: string, at: number, signal: NodeJS.Signals) {
  const doomed = await world.startProcess({ STOP_AFTER: step, STOP_AT: String(at), STOP_WITH: signal }, PRELOAD);
  await interrupt(opening, doomed);
  return doomed;
}

it.each([
  ['the entries were sealed', 'seal', 1],
  ['some of the entries were read', 'read-sealed', 2],
  ['part of the order was in the transaction', 'part', 1],
  ['the order was kept', 'kept', 1],
  ['one lane was written', 'write-drawn', 1],
  ['part of a lane was written', 'write-drawn', 2],
  ['every lane was written', 'write-drawn', 3],
])('a process killed when %s: another one finishes the same order', async (_name, step, at) => {
  await stopAt(step, at, 'SIGKILL');
  expect(await isOpen()).toBe(false);
  resume(opening);
  await opening.disturb();
  expect(await isOpen()).toBe(false);
  expect(await look(opening.plain[2]!)).toMatchObject({ status: 'WAITING', position: null, percentBehind: null });
  expect(await look(opening.gone[0]!)).toMatchObject({ status: 'LEFT', endReason: 'LEFT' });

  await eventually(isOpen, TAKE_OVER_MS);

  await expectDrawn();
});

it('a process killed right after the queue was opened: no older settings can make it SCHEDULED again', async () => {
  await stopAt('open-line', 1, 'SIGKILL');
  expect(await isOpen()).toBe(true);
  const { rows } = await world.pool.query('select version from queue where id = $1', [opening.queueId]);
  expect(Number(await world.redis.hget(`${queueKey(opening.queueId)}:settings`, 'version'))).toBe(rows[0].version);
  resume(opening);
  await expectDrawn();
});

it.each([
  ['read the entries', 'read-sealed', 2],
  ['had part of the order in the transaction', 'part', 1],
  ['wrote part of a lane', 'write-drawn', 2],
])(
  'a process that hung when it %s and goes on after another one has finished changes nothing',
  async (_name, step, at) => {
    const hung = await stopAt(step, at, 'SIGSTOP');
    resume(opening);
    await eventually(isOpen, TAKE_OVER_MS);
    const before = await opening.expected();

    hung.child.kill('SIGCONT');
    await pause(2_000);

    expect(await opening.expected()).toEqual(before);
    await expectDrawn();
  },
);

it('a queue closed in the middle of its opening ends everybody in it, and lets nobody in', async () => {
  await stopAt('write-drawn', 2, 'SIGKILL');
  resume(opening);
  const { operator, queueId, plain, coded } = opening;
  await opening.disturb();
  expect(await update(operator, queueId, { state: 'CLOSED', capacity: 10 })).toMatchObject({ state: 'CLOSED' });
  expect(await enter(await world.buyer(), queueId)).toMatchObject({ code: 'QUEUE_CLOSED' });

  await eventually(isOpen, TAKE_OVER_MS);

  const { told, right, places } = await opening.expected();
  expect(told).toEqual(right);
  for (const place of [...places.slice(0, 50), ...places.slice(-50)]) {
    expect(await look(place)).toMatchObject({ status: 'EXPIRED', endReason: 'QUEUE_CLOSED', position: null });
  }
  await pause(1_000);
  expect(await statsOf(operator, queueId)).toMatchObject({
    ...{ entered: plain.length + coded.length + 1, left: 1, expired: places.length },
    ...{ waiting: 0, active: 0, admitted: 0 },
  });
  expect((await world.pool.query('select state from queue where id = $1', [queueId])).rows).toEqual([
    { state: 'CLOSED' },
  ]);
});

it('a Redis that crashed in the middle of the opening and came back: the opening goes on where it was', async () => {
  const hung = await stopAt('write-drawn', 2, 'SIGSTOP');
  await world.redisServer.kill();
  await hung.stop('SIGKILL');
  resume(opening);
  await pause(1_000);
  await world.redisServer.start();
  await eventually(isOpen, TAKE_OVER_MS);
  await expectDrawn();
});
