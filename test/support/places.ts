import { queueKey } from '../../src/queue/line/line.ts';
import { hashOf, queueIdOf, tokenIdOf } from '../../src/queue/queue-token.ts';
import { enter, eventually, readToken, TOKEN } from './builders.ts';
import type { Buyer, Data, Feed, GraphqlError } from './client.ts';
import type { World } from './world.ts';

/** Somebody's place in a queue. */
export interface Place {
  readonly buyer: Buyer;
  /** The token's value. */
  readonly value: string;
}

/** Buyers who entered one after another, in that order, each at the process that is theirs. */
export async function line(buyers: Buyer[], queueId: string): Promise<Place[]> {
  const places: Place[] = [];
  for (const buyer of buyers) places.push({ buyer, value: (await enter(buyer, queueId)).value });
  return places;
}

/** The token as its holder's process tells it now. */
export function look({ buyer, value }: Place): Promise<Data> {
  return readToken(buyer, value);
}

/** The statuses of the places, in their order. */
export async function statuses(places: Place[]): Promise<string[]> {
  return (await Promise.all(places.map(look))).map(({ status }) => status);
}

/** The positions of the places, in their order. */
export async function positions(places: Place[]): Promise<(number | null)[]> {
  return (await Promise.all(places.map(look))).map(({ position }) => position);
}

/** Waits until the place has the status. */
export async function until(place: Place, status: string, withinMs?: number): Promise<void> {
  await eventually(async () => (await look(place)).status === status, withinMs);
}

/** The holder, who shows the token. */
export function inside({ buyer, value }: Place): Buyer {
  return buyer.withToken(value);
}

const LEAVE = `mutation ($token: ID!) { leaveQueue(token: $token) { ${TOKEN} } }`;

/** Answers the token that was left. */
export async function leave({ buyer, value }: Place): Promise<Data> {
  return (await buyer.get(LEAVE, { token: value })).leaveQueue;
}

/** A subscription to the place; its events are the tokens told. */
export function follow({ buyer, value }: Place): Feed {
  return buyer.watch(`subscription ($token: ID!) { queuePosition(token: $token) { ${TOKEN} } }`, { token: value });
}

/** Waits until the subscription tells that `field` is `value`. */
export function hears(feed: Feed, field: string, value: unknown, withinMs?: number): Promise<Data> {
  return feed.until(({ queuePosition }) => queuePosition[field] === value, withinMs);
}

/** The error with which a subscription was refused; fails when it told anything, or ended without an error. */
export async function refusalOf(feed: Feed): Promise<GraphqlError> {
  const errors = (await feed.ended) ?? feed.events[0]?.errors;
  if (errors?.length !== 1 || feed.events.length > 1) throw new Error(`not refused: ${JSON.stringify(feed.events)}`);
  return errors[0];
}

const UPDATE = `mutation ($input: UpdateQueueInput!) { updateQueue(input: $input) {
  id name state capacity admitPerMinute entriesPerMinute activeSeconds maxWaiting reenter awaySeconds } }`;

/** Changes the queue's settings; answers the queue. */
export async function update(operator: Buyer, id: string, input: object): Promise<Data> {
  return (await operator.get(UPDATE, { input: { id, ...input } })).updateQueue;
}

const STATS = `query ($id: ID!) { queue(id: $id) { stats {
  queueId at waiting active entered admitted completed expired left admittedPerMinute etaErrorSeconds } } }`;

/** The queue's counts now. */
export async function statsOf(operator: Buyer, id: string): Promise<Data> {
  return (await operator.get(STATS, { id })).queue.stats;
}

/** Where Redis keeps the queue of a token, and the token in it. */
function keysOf(value: string): { active: string; token: string; id: string } {
  const queue = queueKey(queueIdOf(value) ?? '');
  const id = tokenIdOf(hashOf(value));
  return { active: `${queue}:active`, token: `${queue}:t:${id}`, id };
}

/** Ages ACTIVE places, as though their time had been over `agoMs` ago: the next tick, or the next look, finds out. */
export async function runOut(world: World, places: Place[], agoMs = 1_000): Promise<void> {
  const work = world.redis.multi();
  for (const { value } of places) {
    const { active, token, id } = keysOf(value);
    work.hset(token, 'x', Date.now() - agoMs).zadd(active, 'XX', Date.now() - agoMs, id);
  }
  await work.exec();
}

/** Sets the instants of an ACTIVE place: the end of its time, and the first end before anything stretched it. */
export async function setEnds(world: World, { value }: Place, ends: { until: number; first: number }): Promise<void> {
  const { active, token, id } = keysOf(value);
  await world.redis.multi().hset(token, 'x', ends.until, 'y', ends.first).zadd(active, 'XX', ends.until, id).exec();
}

/** How many are ACTIVE, as Redis knows. */
export function activeIn(world: World, queueId: string): Promise<number> {
  return world.redis.zcard(`${queueKey(queueId)}:active`);
}

/** Looks at the number of ACTIVE places all the time until it is stopped; answers the largest number seen. */
export function watchActive(world: World, queueId: string): () => Promise<{ most: number; looks: number }> {
  let ended = false;
  const seen = { most: 0, looks: 0 };
  const watching = (async () => {
    while (!ended) {
      seen.most = Math.max(seen.most, await activeIn(world, queueId));
      seen.looks += 1;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return seen;
  })();
  return () => {
    ended = true;
    return watching;
  };
}

/** Waits for `ms` in which something must not happen. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
