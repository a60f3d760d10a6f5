import { randomBytes } from 'node:crypto';
import { loadScript, runScript } from '../platform/lua.ts';
import { forkOf, type Platform } from '../platform/platform.ts';
import { sql, sqlRow } from '../platform/postgres.ts';
import { SECOND } from '../platform/units.ts';
import { noteLive } from './live-queues.ts';
import { Queue } from './queue.ts';
import { queueKey } from './queue-keys.ts';

const APPLY_SETTINGS = loadScript(import.meta.url, 'apply-settings');

/** Tells Redis the queue's settings, for its next tick; an older version than Redis has changes nothing. */
export async function pushSettings(platform: Platform, queue: Queue): Promise<void> {
  const { version, state, capacity, admitPerMinute, activeSeconds, maxWaiting, reenter, awaySeconds } = queue;
  const settings = [
    version,
    state,
    capacity,
    admitPerMinute ?? '',
    activeSeconds * SECOND,
    maxWaiting,
    reenter ? 1 : 0,
    awaySeconds * SECOND,
    await untilOpening(platform, queue),
  ];
  const epoch = randomBytes(8).toString('hex');
  await runScript(platform.redis, APPLY_SETTINGS, queueKey(queue.id), [...settings, epoch]);
  await noteLive(platform, queue.id);
  await sql(forkOf(platform), 'update queue set applied_version = greatest(applied_version, $2) where id = $1', [
    queue.id,
    version,
  ]);
}

/** Milliseconds until a SCHEDULED queue opens: remaining times travel between servers, never instants of another's clock. */
async function untilOpening(platform: Platform, { id, state }: Queue): Promise<number> {
  if (state !== 'SCHEDULED') return 0;
  const { ms } = await sqlRow<{ ms: number }>(
    forkOf(platform),
    `select ceil(extract(epoch from opens_at - clock_timestamp()) * 1000)::float8 as ms from queue where id = $1`,
    [id],
  );
  return Math.max(0, ms);
}

/** Gives Redis the queue's settings where it has none. */
export async function ensureSettings(platform: Platform, queue: Queue): Promise<void> {
  const known = await platform.redis.hexists(`${queueKey(queue.id)}:settings`, 'version');
  if (known === 0) await pushSettings(platform, queue);
}

/** Gives a Redis that does not know the queue (a new one, or one that lost its memory) its settings from PostgreSQL. */
export async function restoreSettings(platform: Platform, queueId: string): Promise<Queue | null> {
  const queue = await forkOf(platform).findOne(Queue, { id: queueId });
  if (queue) await pushSettings(platform, queue);
  return queue;
}
