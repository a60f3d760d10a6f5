import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { queueKey } from '../../src/queue/line/line.ts';
import { hashOf, tokenIdOf } from '../../src/queue/queue-token.ts';
import { enter, makeQueue } from '../support/builders.ts';
import { type Buyer, post } from '../support/client.ts';
import { leave, line, look, positions, statsOf } from '../support/places.ts';
import { World } from '../support/world.ts';

const ENTER = 'mutation ($input: EnterQueueInput!) { enterQueue(input: $input) { __typename } }';

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

describe.each([1, 2])('with %i processes', (processes) => {
  const buyers = async (count: number): Promise<Buyer[]> =>
    (await world.buyers(count)).map((buyer, index) => buyer.at(world.urls[index % processes] as string));

  it('10 users who enter at once get positions 1 to 10, in the order in which the server took them', async () => {
    const queueId = await makeQueue(operator, { capacity: 0 });
    const ten = await buyers(10);

    const tokens = await Promise.all(ten.map((buyer) => enter(buyer, queueId)));

    const taken = await world.redis.lrange(`${queueKey(queueId)}:line:0`, 0, -1);
    const owners = taken.map((id) => tokens.find(({ value }) => tokenIdOf(hashOf(value)) === id)?.userId);
    const byPosition = tokens.toSorted((a, b) => a.position - b.position);
    expect(byPosition.map(({ position }) => position)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(byPosition.map(({ userId }) => userId)).toEqual(owners);
    const instants = byPosition.map(({ enteredAt }) => enteredAt);
    expect(instants).toEqual(instants.toSorted());
    expect(new Set(tokens.map(({ value }) => value)).size).toBe(10);
    expect(await positions(tokens.map(({ value }, i) => ({ buyer: ten[i] as Buyer, value })))).toEqual(
      tokens.map(({ position }) => position),
    );
  });

  it('a user who enters 10 times at once has one token and one place, and nobody else is moved by it', async () => {
    const queueId = await makeQueue(operator, { capacity: 0 });
    const [first, eager, last] = (await buyers(3)) as [Buyer, Buyer, Buyer];
    const before = await enter(first, queueId);

    const tokens = await Promise.all(
      Array.from({ length: 10 }, (_, i) => enter(eager.at(world.urls[i % processes] as string), queueId)),
    );

    expect(new Set(tokens.map(({ value }) => value)).size).toBe(1);
    expect(new Set(tokens.map(({ enteredAt }) => enteredAt)).size).toBe(1);
    expect(tokens.map(({ position }) => position)).toEqual(Array(10).fill(2));
    expect(await enter(last, queueId)).toMatchObject({ position: 3, waiting: 3 });
    expect(await look({ buyer: first, value: before.value })).toMatchObject({ position: 1, waiting: 3 });
    expect(await statsOf(operator, queueId)).toMatchObject({ entered: 3, waiting: 3, active: 0 });
  });

  it('entering answers WAITING also where there is room: only a tick admits', async () => {
    const queueId = await makeQueue(operator, { capacity: 100 });

    const tokens = await Promise.all((await buyers(10)).map((buyer) => enter(buyer, queueId)));

    for (const token of tokens) {
      expect(token).toMatchObject({ __typename: 'QueueToken', status: 'WAITING', queueId });
      expect(token).toMatchObject({ activatedAt: null, activeUntil: null, endReason: null });
      expect(token.position).toBeGreaterThan(0);
    }
  });

  it('a queue with as many WAITING as it may have refuses with QUEUE_FULL, gives nothing, and takes again', async () => {
    const queueId = await makeQueue(operator, { capacity: 0, maxWaiting: 3 });
    const all = await buyers(8);

    const answers = await Promise.all(all.map((buyer) => enter(buyer, queueId)));

    const refused = answers.filter(({ __typename }) => __typename === 'Refusal');
    expect(refused.map(({ code }) => code)).toEqual(Array(5).fill('QUEUE_FULL'));
    expect(await statsOf(operator, queueId)).toMatchObject({ entered: 3, waiting: 3 });
    const index = answers.findIndex(({ __typename }) => __typename === 'QueueToken');
    const kept = { buyer: all[index] as Buyer, value: answers[index].value as string };
    expect(await enter(kept.buyer, queueId)).toMatchObject({ value: kept.value, status: 'WAITING' });
    await leave(kept);
    const shutOut = all[answers.indexOf(refused[0])] as Buyer;
    expect(await enter(shutOut, queueId)).toMatchObject({ __typename: 'QueueToken', position: 3, waiting: 3 });
  });

  it('places in one queue mean nothing in another: a user may wait in both', async () => {
    const [one, other] = [
      await makeQueue(operator, { capacity: 0 }),
      await makeQueue(operator, { capacity: 0, maxWaiting: 9 }),
    ];
    const [buyer, rival] = (await buyers(2)) as [Buyer, Buyer];
    await line([rival, buyer], one);

    const here = await enter(buyer, one);
    const there = await enter(buyer, other);

    expect(here).toMatchObject({ position: 2, waiting: 2, queueId: one });
    expect(there).toMatchObject({ position: 1, waiting: 1, queueId: other });
    expect(here.value).not.toBe(there.value);
  });

  it('a queue that is not there is NOT_FOUND, text that is no id BAD_USER_INPUT, a stranger UNAUTHENTICATED', async () => {
    const [buyer] = (await buyers(1)) as [Buyer];
    const nowhere = randomUUID();

    expect(await buyer.fail(ENTER, { input: { queueId: nowhere } })).toBe('NOT_FOUND');
    expect(await buyer.fail(ENTER, { input: { queueId: 'the front' } })).toBe('BAD_USER_INPUT');
    const queueId = await makeQueue(operator, { capacity: 1 });
    const { errors } = await post(buyer.url, ENTER, { input: { queueId } });
    expect(errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED');

    expect(await statsOf(operator, queueId)).toMatchObject({ entered: 0, waiting: 0 });
    expect(await world.redis.keys(`${queueKey(nowhere)}*`)).toEqual([]);
  });
});
