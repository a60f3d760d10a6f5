import { loadScript, runScript } from '../platform/lua.ts';
import type { Platform } from '../platform/platform.ts';
import type { Channel } from '../platform/pubsub.ts';
import type { QueueState } from './queue.ts';
import { queueKey } from './queue-keys.ts';

/** The one message of a tick (message.lua): what a process needs to know every position without asking. */
export interface QueueMessage {
  /** Random per data set: a Redis that lost its memory starts another one. */
  readonly epoch: string;
  /** Goes up by one with every message. */
  readonly seq: number;
  /** Milliseconds since 1970 on Redis' clock. */
  readonly at: number;
  /** More happened than one message can carry: ask for a snapshot. */
  readonly resync: boolean;
  readonly state: QueueState;
  /** When a SCHEDULED queue opens, on Redis' clock in milliseconds; else 0. */
  readonly openAt: number;
  /** How long a holder may be neither seen nor heard, in milliseconds. */
  readonly awayMs: number;
  /** By lane: how far it has been admitted, and the last number given out. */
  readonly heads: Readonly<Record<string, number>>;
  readonly tails: Readonly<Record<string, number>>;
  /** By lane: numbers that left before their turn since the last message; in a snapshot all of them. */
  readonly gone: Readonly<Record<string, readonly number[]>>;
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
  /** Milliseconds between admissions at the present pace, see pace.lua; 0 while unknown. */
  readonly msPerPlace: number;
  /** -1 while unknown. */
  readonly etaErrorMs: number;
}

/** What the queue's ticks say. */
export function ticksOf(queueId: string): Channel<RawMessage | Hint> {
  return { name: `onsale:ticks:${queueId}` };
}

/** Said at once, between two ticks: what is known of a token no longer holds. */
export interface Hint {
  /** Id of the token; empty: nothing that is known of the queue holds. */
  readonly hint: string;
  /** Milliseconds since 1970 on Redis' clock. */
  readonly at: number;
  /** The number that its holder gave up before its turn. */
  readonly lane?: string;
  readonly number?: number;
}

/** Lua's empty table has no type: an empty list arrives as `{}`. */
export type RawMessage = Omit<QueueMessage, 'gone' | 'changed'> & { gone: Record<string, unknown>; changed: unknown };

export function readMessage(raw: RawMessage): QueueMessage {
  const gone = Object.entries(raw.gone).map(([lane, numbers]) => [lane, listOf(numbers).map(Number)] as const);
  return { ...raw, gone: Object.fromEntries(gone), changed: listOf(raw.changed).map(String) };
}

function listOf(table: unknown): unknown[] {
  return Array.isArray(table) ? table : [];
}

const SNAPSHOT = loadScript(import.meta.url, 'snapshot');

/** The queue as it is now in Redis, with every number gone. */
export async function readSnapshot(platform: Platform, queueId: string): Promise<QueueMessage> {
  return readMessage(JSON.parse(await runScript<string>(platform.redis, SNAPSHOT, queueKey(queueId))) as RawMessage);
}
