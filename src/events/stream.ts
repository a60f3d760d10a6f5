import { loadScript, runScript } from '../platform/lua.ts';
import type { Platform } from '../platform/platform.ts';
import { HOUR } from '../platform/units.ts';

/** The stream that consumer groups of other systems read; each entry has one field, `event`, with an Envelope. */
export const STREAM = 'onsale:events';

/** Milliseconds after which an entry leaves the stream, read or not. */
const MAX_AGE_MS = 24 * HOUR;

const ADD = loadScript(import.meta.url, 'add-events');
const READ = loadScript(import.meta.url, 'read-events');

/**
 * Adds events to the stream, which keeps about the last EVENTS_STREAM_MAX of them.
 * @param events envelopes as JSON
 * @throws what Redis throws while it is unreachable; some of the events may have been added then
 */
export async function addToStream({ redis, config }: Platform, events: readonly string[]): Promise<void> {
  if (events.length === 0) return;
  await runScript(redis, ADD, STREAM, [config.EVENTS_STREAM_MAX, MAX_AGE_MS, ...events]);
}

/** What was read of the stream. */
export interface Part {
  /** Entries added to the stream since it exists. */
  readonly added: number;
  /** Id of its newest entry. */
  readonly last: string;
  /** Envelopes as JSON, the newest of those asked for. */
  readonly events: readonly string[];
}

/** Reads the newest `count` entries after the entry `after`; none without `after`. */
export async function readStream({ redis }: Platform, after: string | undefined, count: number): Promise<Part> {
  const [added, last, ...events] = await runScript<[number, string, ...string[]]>(redis, READ, STREAM, [
    after ?? '',
    count,
  ]);
  return { added, last, events };
}
