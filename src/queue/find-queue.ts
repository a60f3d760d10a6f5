import { LRUCache } from 'lru-cache';
import { notFound } from '../api/problems.ts';
import { forkOf, type Platform, perProcess } from '../platform/platform.ts';
import { Queue } from './queue.ts';

/** Queues that a process keeps in memory. */
const MAX_KEPT = 1_000;

const kept = perProcess(() => new LRUCache<string, Queue>({ max: MAX_KEPT }));
/** The reads under way, by queue and version. */
const reads = perProcess(() => new Map<string, Promise<Queue>>());

/**
 * A queue with settings of this version or a later one, from memory where this process has read them: the messages of a
 * queue carry the version of its settings, so that every process reads a change once, when it is first asked for.
 * @returns a promise only when PostgreSQL is asked
 * @throws CallerError NOT_FOUND for an unknown queue
 */
export function findQueue(platform: Platform, id: string, version: number): Queue | Promise<Queue> {
  const known = kept(platform).get(id);
  return known && known.version >= version ? known : readOnce(platform, id, `${id} ${version}`);
}

function readOnce(platform: Platform, id: string, key: string): Promise<Queue> {
  const underWay = reads(platform);
  let reading = underWay.get(key);
  if (!reading) {
    reading = readQueue(platform, id).finally(() => underWay.delete(key));
    underWay.set(key, reading);
    // Who writes a token as JSON at once has no use for a promise, and has the token executed instead.
    reading.catch(() => undefined);
  }
  return reading;
}

async function readQueue(platform: Platform, id: string): Promise<Queue> {
  const queue = await forkOf(platform).findOne(Queue, { id }, { disableIdentityMap: true });
  if (!queue) throw notFound('queue');
  kept(platform).set(id, queue);
  return queue;
}
