import { randomUUID } from 'node:crypto';
import { loadScript, runScript } from '../../platform/lua.ts';
import type { Platform } from '../../platform/platform.ts';
import { SECOND } from '../../platform/units.ts';
import { type QueueMessage, queueKey } from '../line/line.ts';
import { isWithinReach, type KnownToken } from './known-token.ts';

const NOTE_SEEN = loadScript(import.meta.url, '../line/note-seen');
const NOTE_REPORTER = loadScript(import.meta.url, '../line/note-reporter');

/** Numbers reported in one command. */
const MAX_NUMBERS = 1_000;

/** A holder who is present is reported at least this often; less than the time for which a poll is remembered. */
const MAX_INTERVAL_MS = 30 * SECOND;

/** Milliseconds between reports: a second, or a quarter of the time that a holder may be away. */
export function reportEveryMs(message: QueueMessage | undefined): number {
  return message && message.awayMs > 0 ? Math.min(SECOND, message.awayMs / 4) : SECOND;
}

/** Reports to Redis which holders of one queue are present in this process. */
export class Presence {
  readonly #platform: Platform;
  readonly #queueId: string;
  readonly #reporter = randomUUID();
  /** Redis has this process among the reporters. */
  #isReporter = false;
  /** The reports that are under way. */
  #running: Promise<unknown> = Promise.resolve();
  #ended = false;

  constructor(platform: Platform, queueId: string) {
    this.#platform = platform;
    this.#queueId = queueId;
  }

  /**
   * Reports the holders who were seen since their last report and will be admitted soon: each a few times within the
   * time that a holder may be away, so that no present holder counts as away. A process with holders also reports that
   * it is complete: while a reporter is silent, Redis counts no absence. What Redis does not receive while it is
   * unreachable is sent with the next report.
   */
  async report(message: QueueMessage | undefined, tokens: Iterable<KnownToken>): Promise<void> {
    if (!message || message.state === 'SCHEDULED' || this.#ended) return;
    const { due, holders } = sortByLane(message, tokens, Math.min(MAX_INTERVAL_MS, message.awayMs / 4));
    const sent = this.#sendAll(due, holders);
    this.#running = Promise.all([this.#running, sent]);
    await sent;
  }

  /**
   * Sends the last report at the orderly end of the process, and that no more will follow: from then on absence counts
   * again. Nothing is sent while Redis is unreachable.
   */
  async end(message: QueueMessage | undefined, tokens: Iterable<KnownToken>): Promise<void> {
    this.#ended = true;
    await this.#running;
    if (!message || !this.#isReporter) return;
    await this.#sendAll(sortByLane(message, tokens, 0).due, 0);
  }

  async #sendAll(due: Map<string, KnownToken[]>, holders: number): Promise<void> {
    const now = performance.now();
    try {
      for (const [lane, seen] of due) {
        for (let from = 0; from < seen.length; from += MAX_NUMBERS) {
          await this.#send(lane, seen.slice(from, from + MAX_NUMBERS), now);
        }
      }
      if (holders === 0 && !this.#isReporter) return;
      this.#isReporter = true;
      await this.#run(NOTE_REPORTER, [this.#reporter, holders > 0 ? 1 : 0]);
      this.#isReporter = holders > 0;
    } catch {
      this.#platform.log.debug({ queueId: this.#queueId }, 'presence could not be reported');
    }
  }

  async #send(lane: string, seen: readonly KnownToken[], now: number): Promise<void> {
    const numbers = seen.flatMap(({ view, seenAt }) => [view?.number ?? 0, Math.round(now - seenAt)]);
    const sightings = seen.map(({ seenAt }) => seenAt);
    await this.#run(NOTE_SEEN, [lane, ...numbers]);
    for (const [index, known] of seen.entries()) known.reportedAt = sightings[index] as number;
  }

  #run(script: typeof NOTE_SEEN, args: (string | number)[]): Promise<unknown> {
    return runScript(this.#platform.redis, script, queueKey(this.#queueId), args);
  }
}

/** The holders to report now, by lane, none within `everyMs` of its last report; and how many holders there are. */
function sortByLane(
  message: QueueMessage,
  tokens: Iterable<KnownToken>,
  everyMs: number,
): { due: Map<string, KnownToken[]>; holders: number } {
  const due = new Map<string, KnownToken[]>();
  const now = performance.now();
  let holders = 0;
  for (const known of tokens) {
    const { view, seenAt, reportedAt } = known;
    if (view?.token.status !== 'WAITING') continue;
    holders += 1;
    if (seenAt <= reportedAt || (reportedAt > 0 && now - reportedAt < everyMs)) continue;
    if (!isWithinReach(message, view)) continue;
    const lane = due.get(view.lane);
    if (lane) lane.push(known);
    else due.set(view.lane, [known]);
  }
  return { due, holders };
}
