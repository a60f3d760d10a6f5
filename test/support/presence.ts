import { loadScript, runScript } from '../../src/platform/lua.ts';
import { hashOf, queueIdOf, queueKey, tokenIdOf } from '../../src/queue/queue-keys.ts';
import type { RawView } from '../../src/queue/token-view.ts';
import { eventually } from './builders.ts';
import type { Place } from './places.ts';
import type { World } from './world.ts';

/** The clock moves with the ticks. */
const A_TICK = 1_000;

const READ_TOKENS = loadScript(new URL('../../src/queue/queue.ts', import.meta.url).href, 'read-tokens');

/** Lets `ms` of presence pass in a queue, as though nobody had been seen meanwhile; answers what its clock says then. */
export function passAway(world: World, queueId: string, ms: number): Promise<number> {
  return world.redis.hincrby(`${queueKey(queueId)}:meta`, 'clock', ms);
}

/** When the holder of a waiting place was seen last, on the queue's clock of presence; null while that is not kept. */
export async function seenAt(world: World, { value }: Place): Promise<number | null> {
  const key = queueKey(queueIdOf(value) ?? '');
  const [view] = await runScript<RawView[]>(world.redis, READ_TOKENS, key, [tokenIdOf(hashOf(value))]);
  const seen = await world.redis.hget(`${key}:seen:${view?.[3]}`, String(view?.[4]));
  return seen === null ? null : Number(seen);
}

/** Waits until the queue keeps the presence of those who hold the places. */
export async function areKept(world: World, places: Place[]): Promise<void> {
  for (const place of places) await eventually(async () => (await seenAt(world, place)) !== null);
}

/** Waits until each of the holders has been seen at `since` or later, as far as ticks tell the time. */
export async function areSeen(world: World, places: Place[], since: number): Promise<void> {
  for (const place of places) await eventually(async () => ((await seenAt(world, place)) ?? 0) >= since - A_TICK);
}
