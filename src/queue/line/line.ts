import { randomBytes } from 'node:crypto';
import { loadScript, runScript } from '../../platform/lua.ts';
import { forkOf, type Platform, perProcess } from '../../platform/platform.ts';
import { readClock } from '../../platform/postgres.ts';
import type { Channel } from '../../platform/pubsub.ts';
import { SECOND } from '../../platform/units.ts';
import { Queue, type QueueState } from '../queue.ts';
import { type RawView, readView, type TokenView } from '../queue-token.ts';

/** Prefix of all Redis keys of one queue; the braces keep them on one node of a Redis Cluster. */
export function queueKey(queueId: string): string {
  return `{q:${queueId}}`;
}

const READ_TOKENS = loadScript(import.meta.url, 'read-tokens');

/** Tokens read by one command. */
const MAX_TOKENS = 200;

interface Read extends Pick<PromiseWithResolvers<TokenView | undefined>, 'resolve' | 'reject'> {
  readonly tokenId: string;
}

/** By queue with a command under way: the reads that arrived meanwhile. */
const reads = perProcess(() => new Map<string, Read[]>());

/**
 * Reads a token from Redis, and notes that its holder is present. Reads of one queue that arrive while a command is
 * under way are the next command.
 * @returns undefined for an unknown token, and for one that ended more than an hour ago
 * @throws what Redis throws while it is unreachable
 */
export function readToken(platform: Platform, queueId: string, tokenId: string): Promise<TokenView | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<TokenView | undefined>();
  const read = { tokenId, resolve, reject };
  const waiting = reads(platform).get(queueId);
  if (waiting) waiting.push(read);
  else {
    const first = [read];
    reads(platform).set(queueId, first);
    void readAll(platform, queueId, first);
  }
  return promise;
}

async function readAll(platform: Platform, queueId: string, waiting: Read[]): Promise<void> {
  while (waiting.length > 0) {
    const batch = waiting.splice(0, MAX_TOKENS);
    const tokenIds = batch.map(({ tokenId }) => tokenId);
    try {
      const raws = await runScript<(RawView | null)[]>(platform.redis, READ_TOKENS, queueKey(queueId), tokenIds);
      for (const [index, { resolve }] of batch.entries()) {
        const raw = raws[index];
        resolve(raw ? readView(platform, queueId, raw) : undefined);
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
  reads(platform).delete(queueId);
}

/** The one message of a tick (message.lua): all that a process needs to compute every position. */
export interface QueueMessage {
  /** Random text, one for each data set: a Redis that lost its memory begins another one. */
  readonly epoch: string;
  /** Increases by one with every message. */
  readonly seq: number;
  /** Milliseconds since 1970 on Redis' clock. */
  readonly at: number;
  /** More happened than one message can carry: read a snapshot. */
  readonly resync: boolean;
  readonly state: QueueState;
  /** When a SCHEDULED queue opens, in milliseconds on Redis' clock; else 0. */
  readonly openAt: number;
  /** How long a holder may be absent, in milliseconds. */
  readonly awayMs: number;
  /** Version of the queue's settings. */
  readonly settings: number;
  /** By lane: the last number whose turn has passed, and the last number given out. */
  readonly heads: Readonly<Record<string, number>>;
  readonly tails: Readonly<Record<string, number>>;
  /** By lane: numbers that left before their turn since the last message; in a snapshot all of them. */
  readonly departed: Readonly<Record<string, readonly number[]>>;
  /** Ids of tokens that changed otherwise than by an admission. */
  readonly changed: readonly string[];
  readonly waiting: number;
  readonly active: number;
  readonly entered: number;
  readonly admitted: number;
  readonly completed: number;
  readonly expired: number;
  readonly left: number;
  readonly admittedPerMinute: number;
  /** Milliseconds between admissions at the present pace (pace.lua); 0 while unknown. */
  readonly msPerPlace: number;
  /** Median error of the estimates, in milliseconds; -1 while unknown. */
  readonly etaErrorMs: number;
}

/** Published between two ticks: what is known of a token no longer holds (invalidate.lua). */
export interface Invalidation {
  /** Id of the token; empty for every token of the queue. */
  readonly invalidates: string;
  /** Milliseconds since 1970 on Redis' clock. */
  readonly at: number;
  /** The number that its holder gave up before its turn. */
  readonly lane?: string;
  readonly number?: number;
}

/** A message as Lua writes it: an empty table has no type, so that an empty list arrives as `{}`. */
export type RawMessage = Omit<QueueMessage, 'departed' | 'changed'> & {
  departed: Record<string, unknown>;
  changed: unknown;
};

/** The channel on which a queue's messages and invalidations are published. */
export function channelOf(queueId: string): Channel<RawMessage | Invalidation> {
  return { name: `onsale:queue:${queueId}` };
}

export function readMessage(raw: RawMessage): QueueMessage {
  const departed = Object.entries(raw.departed).map(([lane, numbers]) => [lane, listOf(numbers).map(Number)] as const);
  return { ...raw, departed: Object.fromEntries(departed), changed: listOf(raw.changed).map(String) };
}

function listOf(table: unknown): unknown[] {
  return Array.isArray(table) ? table : [];
}

const SNAPSHOT = loadScript(import.meta.url, 'snapshot');

/** The queue as it is now in Redis, with all departed numbers. */
export async function readSnapshot(platform: Platform, queueId: string): Promise<QueueMessage> {
  return readMessage(JSON.parse(await runScript<string>(platform.redis, SNAPSHOT, queueKey(queueId))) as RawMessage);
}

const APPLY_SETTINGS = loadScript(import.meta.url, 'apply-settings');

/** Writes the queue's settings to Redis, for its next tick; Redis ignores a version that is not higher than its own. */
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
    await msUntilOpening(platform, queue),
    queue.entriesPerMinute ?? '',
  ];
  const epoch = randomBytes(8).toString('hex');
  await runScript(platform.redis, APPLY_SETTINGS, queueKey(queue.id), [...settings, epoch]);
  await noteLive(platform, queue.id);
  const older = { id: queue.id, appliedVersion: { $lt: version } };
  await forkOf(platform).nativeUpdate(Queue, older, { appliedVersion: version });
}

/**
 * Milliseconds until a SCHEDULED queue opens, by PostgreSQL's clock: remaining times travel between servers, never
 * instants.
 */
async function msUntilOpening(platform: Platform, { state, opensAt }: Queue): Promise<number> {
  if (state !== 'SCHEDULED' || !opensAt) return 0;
  const now = await readClock(forkOf(platform));
  return Math.max(0, opensAt.getTime() - now.getTime());
}

/** Writes the queue's settings to Redis where it has none. */
export async function ensureSettings(platform: Platform, queue: Queue): Promise<void> {
  const known = await platform.redis.hexists(`${queueKey(queue.id)}:settings`, 'version');
  if (known === 0) await pushSettings(platform, queue);
}

/**
 * Writes the settings from PostgreSQL to a Redis that does not know the queue: a new one, or one that lost its memory.
 * @returns the queue; null for an unknown one
 */
export async function restoreSettings(platform: Platform, queueId: string): Promise<Queue | null> {
  const queue = await forkOf(platform).findOne(Queue, { id: queueId });
  if (queue) await pushSettings(platform, queue);
  return queue;
}

/** The queues that have people in them, or had a short time ago: the ones that need ticks. */
export const LIVE_QUEUES = 'onsale:live-queues';

/**
 * An empty queue is ticked for this long after the last entry. It is far longer than a command can be under way, so
 * that a retirement cannot overtake an entry and its note, which are sent one behind the other.
 */
const LINGER_MS = 10 * SECOND;

const NOTE_LIVE = loadScript(import.meta.url, 'note-live');
const RETIRE = loadScript(import.meta.url, 'retire');

/** Notes that the queue may have people in it: it is ticked from now on. */
export async function noteLive(platform: Platform, queueId: string): Promise<void> {
  await runScript(platform.redis, NOTE_LIVE, LIVE_QUEUES, [queueId]);
}

/** Ends the ticks of a queue that a tick found empty, unless there was an entry a short time ago. @returns whether it did */
export async function retire(platform: Platform, queueId: string): Promise<boolean> {
  return (await runScript<number>(platform.redis, RETIRE, LIVE_QUEUES, [queueId, LINGER_MS])) === 1;
}

/**
 * Calls `tell` with a queue that is empty, when there were entries since it was told so last. When `tell` fails, the
 * queue is ticked again, and told then.
 */
export async function tellEmpty(platform: Platform, queueId: string, tell: () => Promise<void>): Promise<void> {
  const meta = `${queueKey(queueId)}:meta`;
  const [entered, told] = await platform.redis.hmget(meta, 'entered', 'drainedAfter');
  if (Number(entered ?? 0) <= Number(told ?? 0)) return;
  try {
    await tell();
  } catch (error) {
    await noteLive(platform, queueId);
    throw error;
  }
  await platform.redis.hset(meta, 'drainedAfter', entered ?? 0);
}

/** Ids of the queues to tick. */
export function liveQueues(platform: Platform): Promise<string[]> {
  return platform.redis.zrange(LIVE_QUEUES, 0, -1);
}
