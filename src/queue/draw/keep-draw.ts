import { LockMode, raw } from '@mikro-orm/core';
import { writeOutbox } from '../../commands/outbox.ts';
import { runAlone } from '../../commands/runner.ts';
import { forkOf, type Platform } from '../../platform/platform.ts';
import { Queue, queueEvent } from '../queue.ts';
import { IDS_PER_PART, idsOf, QueueShuffle, QueueShufflePart } from './queue-shuffle.ts';

/** By lane, public ids in lower-case hex in the order drawn. */
export type DrawnOrder = ReadonlyMap<string, readonly string[]>;

/**
 * Keeps a drawn order as a whole. In the same transaction the seed is revealed and the queue becomes OPEN, unless it
 * was closed meanwhile. An order that was kept before is not changed.
 * @returns the order that is kept
 */
export async function keepDraw(platform: Platform, queueId: string, order: DrawnOrder): Promise<DrawnOrder> {
  const isNew = await runAlone(platform, async (em) => {
    const undrawn = { queueId, drawnAt: null };
    const shuffle = await em.findOne(QueueShuffle, undrawn, { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (!shuffle) return false;
    let drawn = 0;
    for (const [lane, ids] of order) {
      drawn += ids.length;
      for (let from = 0; from < ids.length; from += IDS_PER_PART) {
        const publicIds = Buffer.from(ids.slice(from, from + IDS_PER_PART).join(''), 'hex');
        const [priority, part] = [Number(lane), from / IDS_PER_PART];
        await em.insert(QueueShufflePart, { queueId, priority, part, publicIds });
      }
    }
    await em.nativeUpdate(QueueShuffle, { queueId }, { drawn, drawnAt: raw('clock_timestamp()') });
    const scheduled = { id: queueId, state: 'SCHEDULED' } as const;
    const opened = await em.nativeUpdate(Queue, scheduled, {
      state: 'OPEN',
      // An opening that was put off in the moment in which it came has come all the same.
      opensAt: raw('least(opens_at, clock_timestamp())'),
      version: raw('version + 1'),
    });
    if (opened > 0) await writeOutbox(em, [{ event: queueEvent('queue.opened.v1', queueId), requestId: undefined }]);
    return true;
  });
  return isNew ? order : mergeWithKept(platform, queueId, order);
}

/**
 * The order that was kept before, without the entrants who have left, then the entrants who are not in it. Drawing the
 * same entries again gives the same order, so that this changes it only where Redis has lost its last moments.
 */
async function mergeWithKept(platform: Platform, queueId: string, order: DrawnOrder): Promise<DrawnOrder> {
  const merged = new Map<string, readonly string[]>();
  for (const [lane, ids] of order) {
    const lanes = { queueId, priority: Number(lane) };
    const parts = await forkOf(platform).find(QueueShufflePart, lanes, { orderBy: { part: 'asc' } });
    const kept = idsOf(parts);
    const [present, known] = [new Set(ids), new Set(kept)];
    merged.set(lane, [...kept.filter((id) => present.has(id)), ...ids.filter((id) => !known.has(id))]);
  }
  return merged;
}
