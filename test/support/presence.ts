import { queueKey } from '../../src/queue/line/line.ts';
import { hashOf, queueIdOf, tokenIdOf } from '../../src/queue/queue-token.ts';
import { eventually } from './builders.ts';
import type { Place } from './places.ts';
import type { World } from './world.ts';

/** The clock moves with the ticks. */
const A_TICK = 1_000;

/** The same place, asked for at the other process. */
export function elsewhere(world: World, { buyer, value }: Place): Place {
  return { buyer: buyer.at(world.urls.find((url) => url !== buyer.url) ?? ''), value };
}

/** Lets `ms` of presence pass in a queue, as though nobody had been seen meanwhile; answers what its clock says then. */
export function passAway(world: World, queueId: string, ms: number): Promise<number> {
  return world.redis.hincrby(`${queueKey(queueId)}:meta`, 'clock', ms);
}

/**
 * When the holder of a place was seen last, on the queue's clock of presence; null while that is not kept. Read past the
 * scripts, for which whoever asks for a token is there.
 */
export async function seenAt(world: World, { value }: Place): Promise<number | null> {
  const key = queueKey(queueIdOf(value) ?? '');
  const { lane, number } = await numberOf(world, key, tokenIdOf(hashOf(value)));
  const seen = await world.redis.hget(`${key}:seen:${lane}`, number);
  return seen === null ? null : Number(seen);
}

/** Where lane and number are in what is kept of a token that waits (FORMAT in token.lua). */
const LANE_AT = 22 + 16;
const NUMBER_AT = LANE_AT + 1;

async function numberOf(world: World, key: string, id: string): Promise<{ lane: string; number: string }> {
  const packed = await world.redis.hgetBuffer(`${key}:w:${id.slice(0, 4)}`, id.slice(4));
  if (packed)
    return { lane: packed.toString('latin1', LANE_AT, NUMBER_AT), number: `${packed.readUIntBE(NUMBER_AT, 5)}` };
  const [lane, number] = await world.redis.hmget(`${key}:t:${id}`, 'l', 'n');
  return { lane: String(lane), number: String(number) };
}

/** Waits until the queue keeps the presence of those who hold the places. */
export async function areKept(world: World, places: Place[]): Promise<void> {
  for (const place of places) await eventually(async () => (await seenAt(world, place)) !== null);
}

/** Waits until each of the holders has been seen at `since` or later, as far as ticks tell the time. */
export async function areSeen(world: World, places: Place[], since: number): Promise<void> {
  for (const place of places) await eventually(async () => ((await seenAt(world, place)) ?? 0) >= since - A_TICK);
}
