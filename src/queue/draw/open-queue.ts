import { randomBytes, randomUUID } from 'node:crypto';
import { loadScript, runScript } from '../../platform/lua.ts';
import { forkOf, type Platform } from '../../platform/platform.ts';
import { SECOND } from '../../platform/units.ts';
import { queueKey, restoreSettings } from '../line/line.ts';
import { hashOf, tokenIdOf, tokenValueOf } from '../queue-token.ts';
import { drawOrder } from './draw-order.ts';
import { keepDraw } from './keep-draw.ts';
import { QueueShuffle } from './queue-shuffle.ts';

const SEAL = loadScript(import.meta.url, 'seal');
const READ_SEALED = loadScript(import.meta.url, 'read-sealed');
const WRITE_DRAWN = loadScript(import.meta.url, 'write-drawn');
const OPEN_LINE = loadScript(import.meta.url, 'open-line');

/** Entries read or written by one command, which takes Redis some milliseconds. */
const MAX_ENTRIES = 1_000;

type Lane = [lane: string, entries: number, drawn: number];

/**
 * Opens a SCHEDULED queue whose time has come: seals its entries, draws their order, keeps the order in PostgreSQL and
 * reveals the seed, writes the order into the line, and opens the line. Every step is safe to run again, in any
 * process, because the order follows from the seed and the sealed entries alone.
 * @returns whether the queue has opened, now or before; false when it is not yet time, or another process has the lease
 * @throws what Redis or PostgreSQL throw while they are unreachable; the next call continues from there
 */
export async function openQueue(platform: Platform, queueId: string): Promise<boolean> {
  const endLease = await takeLease(platform, queueId);
  if (!endLease) return false;
  try {
    return await drawAndOpen(platform, queueId);
  } finally {
    await endLease();
  }
}

async function drawAndOpen(platform: Platform, queueId: string): Promise<boolean> {
  // The time of the opening may have been changed while Redis was unreachable.
  await restoreSettings(platform, queueId);
  const lanes = await runScript<Lane[] | 0 | 1>(platform.redis, SEAL, queueKey(queueId));
  if (!Array.isArray(lanes)) return lanes === 1;
  const { secretSeed } = await forkOf(platform).findOneOrFail(QueueShuffle, { queueId });
  const entrants = new Map<string, string[]>();
  for (const lane of lanes) entrants.set(lane[0], await readEntrants(platform, queueId, lane));
  const order = await keepDraw(platform, queueId, await drawOrder(secretSeed, entrants));
  for (const [lane, ids] of order) await writeLane(platform, queueId, lane, ids);
  // Before the line opens: once Redis has the version that is OPEN, no older settings under way make it SCHEDULED
  // again.
  await restoreSettings(platform, queueId);
  const epoch = randomBytes(8).toString('hex');
  return (await runScript<number>(platform.redis, OPEN_LINE, queueKey(queueId), [epoch])) === 1;
}

async function readEntrants(platform: Platform, queueId: string, lane: Lane): Promise<string[]> {
  const [digit, entries] = lane;
  const ids: string[] = [];
  for (let from = 0; from < entries; from += MAX_ENTRIES) {
    const args = [digit, from, from + MAX_ENTRIES - 1];
    const secrets = await runScript<string[]>(platform.redis, READ_SEALED, queueKey(queueId), args);
    for (const secret of secrets) ids.push(hashOf(tokenValueOf(queueId, secret)));
  }
  return ids;
}

/** Writes from the last place to the first, as the line grows at its front; continues where another process stopped. */
async function writeLane(platform: Platform, queueId: string, lane: string, ids: readonly string[]): Promise<void> {
  const backwards = ids.map(tokenIdOf).reverse();
  let written = 0;
  while (written < backwards.length) {
    const part = backwards.slice(written, written + MAX_ENTRIES);
    const now = await runScript<number>(platform.redis, WRITE_DRAWN, queueKey(queueId), [lane, written, ...part]);
    if (now <= written) throw new Error('the sealed entries are gone');
    written = now;
  }
}

const LEASE = loadScript(import.meta.url, 'lease');

/** A lease that is not renewed for this long ends: its process has ended, or hangs. */
const LEASE_MS = 3 * SECOND;
const RENEW_EVERY_MS = 1 * SECOND;

/**
 * Takes the lease of a queue and renews it until it is given back. The lease only saves work: what is done under it
 * must be safe for two processes at once.
 * @returns a function that gives the lease back; undefined while another process has it
 */
async function takeLease(platform: Platform, queueId: string): Promise<(() => Promise<void>) | undefined> {
  const owner = randomUUID();
  const lease = (ms: number): Promise<number> => runScript(platform.redis, LEASE, queueKey(queueId), [owner, ms]);
  if ((await lease(LEASE_MS)) !== 1) return undefined;
  const timer = setInterval(() => lease(LEASE_MS).catch(() => undefined), RENEW_EVERY_MS);
  return async () => {
    clearInterval(timer);
    await lease(0).catch(() => undefined);
  };
}
