import { loadScript, runScript } from '../platform/lua.ts';
import type { Platform } from '../platform/platform.ts';
import type { KnownToken } from './known-token.ts';
import { queueKey } from './queue-keys.ts';
import type { QueueMessage } from './queue-message.ts';

const NOTE_SEEN = loadScript(import.meta.url, 'note-seen');

/** Presence is kept for so many numbers behind the front of a lane (REACH in presence.lua). */
const REACH = 20_000;
const MOST_AT_ONCE = 1_000;

/**
 * Tells Redis which holders this process saw, among those soon to be admitted: each as often as a few times in the time
 * that they may be away, so that they never count as away while they are here, and always when they were seen last.
 * While Redis is away nothing is told, and told again with the next report.
 */
export async function reportSeen(
  platform: Platform,
  queueId: string,
  message: QueueMessage | undefined,
  tokens: Iterable<KnownToken>,
): Promise<void> {
  if (!message || message.state === 'SCHEDULED') return;
  const now = performance.now();
  for (const [lane, seen] of byLane(message, tokens, now)) {
    for (let from = 0; from < seen.length; from += MOST_AT_ONCE) {
      const part = seen.slice(from, from + MOST_AT_ONCE);
      const numbers = part.flatMap(({ view, seenAt }) => [view?.number ?? 0, Math.round(now - seenAt)]);
      const told = part.map(({ seenAt }) => seenAt);
      try {
        await runScript(platform.redis, NOTE_SEEN, queueKey(queueId), [lane, ...numbers]);
      } catch {
        return;
      }
      for (const [index, known] of part.entries()) known.reportedAt = told[index] as number;
    }
  }
}

function byLane(message: QueueMessage, tokens: Iterable<KnownToken>, now: number): Map<string, KnownToken[]> {
  const due = new Map<string, KnownToken[]>();
  const everyMs = message.awayMs / 4;
  for (const known of tokens) {
    const { view, seenAt, reportedAt } = known;
    if (view?.token.status !== 'WAITING' || seenAt <= reportedAt || now - reportedAt < everyMs) continue;
    if (view.number > (message.heads[view.lane] ?? 0) + REACH) continue;
    const lane = due.get(view.lane);
    if (lane) lane.push(known);
    else due.set(view.lane, [known]);
  }
  return due;
}
