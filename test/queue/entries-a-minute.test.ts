import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { queueKey } from '../../src/queue/line/line.ts';
import { enter, makeQueue } from '../support/builders.ts';
import type { Buyer, GraphqlError } from '../support/client.ts';
import { enterWith, issue } from '../support/codes.ts';
import { leave, line, look, statsOf, update } from '../support/places.ts';
import { ScriptQueue } from '../support/script-queue.ts';
import { World } from '../support/world.ts';

const ENTER = 'mutation ($input: EnterQueueInput!) { enterQueue(input: $input) { __typename } }';
const MINUTE = 60_000;

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

async function refusal(buyer: Buyer, queueId: string): Promise<GraphqlError> {
  const { errors } = await buyer.ask(ENTER, { input: { queueId } });
  if (errors?.length !== 1) throw new Error('not refused');
  return errors[0] as GraphqlError;
}

/** Lets a minute go by for the entries of the queue. */
async function passMinute(queueId: string): Promise<void> {
  await world.redis.hincrbyfloat(`${queueKey(queueId)}:meta`, 'entryAt', -MINUTE);
}

describe('a queue with entriesPerMinute, over two processes', () => {
  it('takes one where one is due, and tells the others RATE_LIMITED with times apart from each other', async () => {
    const queueId = await makeQueue(operator, { capacity: 0, entriesPerMinute: 10 });
    const [first, ...others] = await world.buyers(6);
    expect(await enter(first!, queueId)).toMatchObject({ status: 'WAITING', position: 1 });

    const refusals: GraphqlError[] = [];
    for (const buyer of others) refusals.push(await refusal(buyer, queueId));

    expect(refusals.map(({ extensions }) => extensions.code)).toEqual(Array(5).fill('RATE_LIMITED'));
    const times = refusals.map(({ extensions }) => extensions.retryAfterMs as number);
    expect(times[0]).toBeGreaterThan(0);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(new Set(times).size).toBe(5);
    expect(await statsOf(operator, queueId)).toMatchObject({ entered: 1, waiting: 1 });
  });

  it('takes again once the minute has room, and everybody once the limit is lifted', async () => {
    const queueId = await makeQueue(operator, { capacity: 0, entriesPerMinute: 1 });
    const [first, second, ...others] = await world.buyers(8);
    await enter(first!, queueId);
    expect((await refusal(second!, queueId)).extensions.code).toBe('RATE_LIMITED');

    await passMinute(queueId);
    expect(await enter(second!, queueId)).toMatchObject({ status: 'WAITING', position: 2 });
    for (const buyer of others) await refusal(buyer, queueId);

    expect(await update(operator, queueId, { entriesPerMinute: null })).toMatchObject({ entriesPerMinute: null });
    await Promise.all(others.map((buyer) => enter(buyer, queueId)));
    expect(await statsOf(operator, queueId)).toMatchObject({ entered: 8, waiting: 8 });
  });

  it('touches nobody who has a place: it is told, moved by a code, left and kept as ever', async () => {
    const queueId = await makeQueue(operator, { capacity: 0 });
    const places = await line(await world.buyers(3), queueId);
    const [code] = await issue(operator, queueId, 3);
    await update(operator, queueId, { entriesPerMinute: 1 });
    const [taken, late] = (await world.buyers(2)) as [Buyer, Buyer];
    await enter(taken, queueId);
    await refusal(late, queueId);

    for (const [index, { buyer, value }] of places.entries()) {
      expect(await enter(buyer, queueId)).toMatchObject({ value, status: 'WAITING', position: index + 1 });
    }
    expect(await enterWith(places[2]!.buyer, queueId, code!)).toMatchObject({ value: places[2]!.value, position: 1 });
    expect(await leave(places[0]!)).toMatchObject({ status: 'LEFT' });
    expect(await look(places[1]!)).toMatchObject({ status: 'WAITING', position: 2 });
    expect(await statsOf(operator, queueId)).toMatchObject({ entered: 4, waiting: 3 });
  });

  it('a code whose owner finds no room stays the owner’s, and opens the lane when there is some', async () => {
    const queueId = await makeQueue(operator, { capacity: 0, entriesPerMinute: 1 });
    const [first, owner, thief] = (await world.buyers(3)) as [Buyer, Buyer, Buyer];
    const [code] = (await issue(operator, queueId, 1)) as [string];
    await enter(first, queueId);
    expect((await owner.ask(ENTER, { input: { queueId, priorityCode: code } })).errors?.[0]?.extensions.code).toBe(
      'RATE_LIMITED',
    );
    expect(await enterWith(thief, queueId, code)).toMatchObject({ code: 'PRIORITY_CODE_INVALID' });
    await passMinute(queueId);
    expect(await enterWith(owner, queueId, code)).toMatchObject({ status: 'WAITING', position: 1 });
  });

  it('a rate that is raised holds at once: who entered under the lower one leaves no gap of a minute', async () => {
    const queueId = await makeQueue(operator, { capacity: 0, entriesPerMinute: 1 });
    const [first, second] = (await world.buyers(2)) as [Buyer, Buyer];
    await enter(first, queueId);
    expect((await refusal(second, queueId)).extensions.retryAfterMs).toBeGreaterThan(1_000);
    await update(operator, queueId, { entriesPerMinute: 1_000_000 });
    expect(await enter(second, queueId)).toMatchObject({ status: 'WAITING' });
  });
});

it.each([7, 60, 150, 600])('with entriesPerMinute %i no minute has more entries, and nearly as many', async (most) => {
  const queue = new ScriptQueue(world.redis);
  await queue.settle({ state: 'OPEN', capacity: 0, reenter: false, entriesPerMinute: most });
  const began = performance.now();
  const stepMs = 500;
  let passed = 0;
  let entered = 0;
  // Time that really goes by counts too, so that the minute ends before a slow machine adds to it.
  const elapsed = (): number => passed + performance.now() - began;
  while (elapsed() < MINUTE - stepMs) {
    let taken = 0;
    for (let answer: unknown = []; Array.isArray(answer); ) {
      answer = await queue.enter<unknown>(randomUUID(), randomUUID());
      if (Array.isArray(answer)) taken++;
      else expect(answer).toBeGreaterThan(0);
    }
    entered += taken;
    await queue.passTime(stepMs);
    passed += stepMs;
  }
  expect(entered).toBeLessThanOrEqual(most);
  expect(entered).toBeGreaterThan(most * 0.9 - 1);
});
