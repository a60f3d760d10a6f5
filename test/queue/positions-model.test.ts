import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { QueueReplica } from '../../src/queue/replica/queue-replica.ts';
import { eventually } from '../support/builders.ts';
import { type ModelPlace, QueueModel } from '../support/queue-model.ts';
import { randomFrom } from '../support/random.ts';
import { TestRedis } from '../support/redis-server.ts';
import { type Listener, losing, openListener, ScriptQueue } from '../support/script-queue.ts';

const ROUNDS = 60;
const DEAF = { onMessage: () => undefined, onInvalidate: () => undefined };
const STEPS = 12;

let server: TestRedis;
let redis: ReturnType<TestRedis['client']>;
beforeAll(async () => {
  server = await TestRedis.open();
  redis = server.client();
});
afterAll(async () => {
  redis.disconnect();
  await server.close();
});

/** Does one random thing to the queue and to the model alike. */
async function step(queue: ScriptQueue, model: QueueModel, random: (below: number) => number): Promise<void> {
  const pick = (list: ModelPlace[]): ModelPlace | undefined => list[random(list.length)];
  const dice = random(100);
  const place = pick(dice < 60 ? model.waiting : model.active);
  if (dice < 36) await enter(queue, model, random);
  else if (!place) return;
  else if (dice < 40) await move(queue, model, place, LANES[random(LANES.length)] as string);
  else if (dice < 70) {
    model.settle(place);
    const lives = !model.ended.includes(place);
    if (lives) model.end(place);
    if (dice % 2 > 0) await queue.leave(place.user, place.token);
    else expect(await queue.revoke(place.user)).toEqual(lives ? expect.anything() : null);
  } else if (dice < 78) {
    model.end(place);
    expect(await queue.complete(place.token)).toBe(1);
  } else if (dice < 92) {
    if (!model.overdue.includes(place)) model.overdue.push(place);
    else return;
    await queue.age(place.token);
  } else {
    model.settle(place);
    await queue.read(place.token);
  }
}

/** Most come without a code. */
const LANES = ['0', '0', '0', '1', '5', '9'];

async function enter(queue: ScriptQueue, model: QueueModel, random: (below: number) => number): Promise<void> {
  const place = { user: randomUUID(), token: randomUUID(), lane: LANES[random(LANES.length)] as string };
  const answer = await queue.enter(place.user, place.token, place.lane);
  if (model.state === 'CLOSED') expect(answer).toBe('QUEUE_CLOSED');
  else {
    model.enter(place);
    expect(answer[9]).toBe(model.position(place));
  }
}

/** Presents a code; who is ACTIVE, or in a higher lane, stays where they are. */
async function move(queue: ScriptQueue, model: QueueModel, place: ModelPlace, lane: string): Promise<void> {
  model.settle(place);
  if (model.ended.includes(place)) return;
  if (model.waiting.includes(place)) model.move(place, lane);
  const answer = await queue.enter(place.user, randomUUID(), lane);
  expect([answer[0], answer[9]]).toEqual([expect.any(String), model.position(place) || -1]);
}

async function change(queue: ScriptQueue, model: QueueModel, random: (below: number) => number): Promise<void> {
  model.capacity = random(12);
  const state = (['OPEN', 'OPEN', 'OPEN', 'PAUSED', 'CLOSED'] as const)[random(5)] ?? 'OPEN';
  if (state === 'CLOSED') model.close();
  else model.state = state;
  await queue.settle(model);
}

/** Expects the replica, and Redis itself, to place everybody where the model does. */
async function compare(queue: ScriptQueue, model: QueueModel, replica: QueueReplica): Promise<void> {
  const { latest } = replica;
  if (!latest) throw new Error('the replica has heard nothing');
  expect(latest).toMatchObject({ waiting: model.waiting.length, active: model.active.length });
  for (const [index, { token, lane }] of model.waiting.entries()) {
    const view = await queue.read(token);
    expect([view?.[2], view?.[3]]).toEqual(['W', lane]);
    const number = Number(view?.[4]);
    expect([view?.[9], replica.position(lane, number), replica.isWaiting(lane, number)]).toEqual([
      index + 1,
      index + 1,
      true,
    ]);
  }
}

describe.each([
  ['places that end', false],
  ['places that re-enter', true],
])('%s', (_name, reenter) => {
  it.each([1, 2, 3])(
    'two processes, one of which loses a third of the messages, place everybody like a naive list (seed %i)',
    async (seed) => {
      const random = randomFrom(seed);
      const queue = new ScriptQueue(redis);
      const model = Object.assign(new QueueModel(), { reenter, capacity: 4 });
      await queue.settle(model);
      let lost = 0;
      const listeners: Listener[] = [
        await openListener(server.url),
        await openListener(server.url, (messages) => losing(messages, (seq) => (lost = seq))),
      ];
      const [steady, lossy] = listeners.map(({ platform }) => new QueueReplica(platform, queue.id, DEAF)) as [
        QueueReplica,
        QueueReplica,
      ];
      await Promise.all([steady.open(), lossy.open()]);
      let compared = 0;

      for (let round = 0; round < ROUNDS; round++) {
        for (let i = 0; i < STEPS; i++) await step(queue, model, random);
        if (random(5) === 0) await change(queue, model, random);
        await queue.tick();
        model.tick();
        const seq = await queue.seq();
        await eventually(() => steady.latest?.seq === seq);
        await compare(queue, model, steady);
        await eventually(() => lost === seq || lossy.latest?.seq === seq);
        if (lost === seq) continue;
        await compare(queue, model, lossy);
        compared += 1;
      }

      expect(compared).toBeGreaterThan(ROUNDS / 3);
      expect(lost).toBeGreaterThan(0);
      for (const { token } of model.active)
        expect((await queue.read(token))?.[2]).toBe(model.overdue.some((p) => p.token === token) ? 'W' : 'A');
      for (const { token } of model.ended) expect((await queue.read(token))?.[2]).toMatch(/^[CEL]$/);
      const [entered, ...ends] = await queue.counts('entered', 'completed', 'expired', 'left');
      expect(ends.reduce((sum, count) => sum + count, model.live().length)).toBe(entered);
      steady.close();
      lossy.close();
      await Promise.all(listeners.map((listener) => listener.close()));
    },
  );
});

it('more departures than one message carries reach every process all the same', async () => {
  const queue = new ScriptQueue(redis);
  const model = Object.assign(new QueueModel(), { capacity: 0 });
  await queue.settle(model);
  const listener = await openListener(server.url);
  const replica = new QueueReplica(listener.platform, queue.id, DEAF);
  await replica.open();
  for (let i = 0; i < 25; i++) await Promise.all(Array.from({ length: 100 }, () => enter(queue, model, () => 0)));
  await queue.tick();

  const leavers = model.waiting.filter((_place, index) => index % 6 > 0);
  expect(leavers.length).toBeGreaterThan(2_000);
  for (const place of leavers) model.end(place);
  await Promise.all(leavers.map(({ user, token }) => queue.leave(user, token)));
  await queue.tick();

  const seq = await queue.seq();
  await eventually(() => replica.latest?.seq === seq);
  await compare(queue, model, replica);
  expect(model.waiting.length).toBeGreaterThan(400);
  replica.close();
  await listener.close();
});

it('who paid in the last moment, re-entered and was closed out counts as COMPLETED, and not as EXPIRED too', async () => {
  const queue = new ScriptQueue(redis);
  await queue.settle({ state: 'OPEN', capacity: 1, reenter: true });
  for (const token of ['payer', 'other']) await queue.enter(randomUUID(), token);
  await queue.tick();
  await queue.age('payer');
  await queue.tick();
  expect((await queue.read('payer'))?.[2]).toBe('W');
  await queue.settle({ state: 'CLOSED', capacity: 1, reenter: true });

  expect(await queue.complete('payer')).toBe(1);
  expect(await queue.complete('payer')).toBe(0);
  await queue.tick();

  expect((await queue.read('payer'))?.[2]).toBe('C');
  expect((await queue.read('other'))?.[2]).toBe('A');
  expect(await queue.counts('entered', 'completed', 'expired', 'left')).toEqual([2, 1, 0, 0]);
});
