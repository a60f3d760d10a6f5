import { setImmediate as nextTurn } from 'node:timers/promises';
import { GraphQLError } from 'graphql';
import { expect, it } from 'vitest';
import type { Platform } from '../../src/platform/platform.ts';
import { pubSubOf, type Topic } from '../../src/platform/topics.ts';

/** A topic of numbers that a test publishes, with how often a subject was opened and closed. */
function numbers(topic: Partial<Topic<number>> = {}) {
  const state = { opened: 0, closed: 0, publish: (_event: number): void => undefined };
  const made: Topic<number> = {
    name: 'numbers',
    first: 'nothing',
    open: async (_platform, _id, publish) => {
      state.opened += 1;
      state.publish = publish;
      return () => {
        state.closed += 1;
      };
    },
    ...topic,
  };
  const pubSub = pubSubOf([made]);
  const platform = {} as Platform;
  /** As graphql-js opens a subscription: it awaits what it is answered. */
  const subscribe = async (id = 'one'): Promise<AsyncIterator<number>> => {
    const events = (await pubSub.subscribe('numbers', { platform, id })) as AsyncIterable<number>;
    return events[Symbol.asyncIterator]();
  };
  return { state, subscribe };
}

it('a subject is opened once however many subscribe, and closed when the last of them leaves', async () => {
  const { state, subscribe } = numbers();
  const [first, second] = await Promise.all([subscribe(), subscribe()]);
  const other = await subscribe('two');
  expect(state.opened).toBe(2);
  await first?.return?.();
  await nextTurn();
  expect(state.closed).toBe(0);
  await second?.return?.();
  await nextTurn();
  expect(state.closed).toBe(1);
  await subscribe();
  expect(state.opened).toBe(3);
  await other.return?.();
});

it('every subscriber receives the same events; a slow one receives what it did not read as one', async () => {
  const { state, subscribe } = numbers({ merge: (unread, newer) => unread + newer });
  const [fast, slow] = [await subscribe(), await subscribe()];
  for (const event of [1, 2, 3]) {
    state.publish(event);
    expect(await fast.next()).toEqual({ value: event, done: false });
  }
  expect(await slow.next()).toEqual({ value: 6, done: false });
});

it('a new subscriber begins with the latest event where the topic says so, and with silence elsewhere', async () => {
  for (const first of ['latest', 'nothing'] as const) {
    const { state, subscribe } = numbers({ first });
    await subscribe();
    state.publish(1);
    state.publish(2);
    const late = await subscribe();
    state.publish(3);
    // Nothing was read yet, so that the latest has been replaced by what came since.
    expect(await late.next()).toEqual({ value: 3, done: false });
    const latest = await subscribe();
    const told = await Promise.race([latest.next(), nextTurn('silence')]);
    expect(told).toEqual(first === 'latest' ? { value: 3, done: false } : 'silence');
  }
});

it('a subject that does not exist, or cannot be opened, refuses the subscription, and is tried anew by the next', async () => {
  let isAway = true;
  const { state, subscribe } = numbers({
    check: async (_platform, id) => {
      if (id === 'none') throw new Error('there is no such subject');
    },
    open: async () => {
      if (isAway) throw new Error('Redis is away');
      return () => undefined;
    },
  });
  await expect(subscribe('none')).rejects.toThrow('no such subject');
  await expect(Promise.all([subscribe(), subscribe()])).rejects.toThrow('away');
  isAway = false;
  await subscribe();
  expect(state.opened).toBe(0);
});

it('when a subject is no more every subscriber is told so, and the next opens it anew', async () => {
  let fail = (_error: GraphQLError): void => undefined;
  const { state, subscribe } = numbers({
    open: async (_platform, _id, _publish, failAll) => {
      state.opened += 1;
      fail = failAll;
      return () => {
        state.closed += 1;
      };
    },
  });
  const all = await Promise.all([subscribe(), subscribe(), subscribe()]);
  fail(new GraphQLError('there is no such subject any more'));
  for (const events of all) await expect(events.next()).rejects.toThrow('any more');
  for (const events of all) expect(await events.next()).toEqual({ value: undefined, done: true });
  await nextTurn();
  expect([state.opened, state.closed]).toEqual([1, 1]);
  await subscribe();
  expect(state.opened).toBe(2);
});
