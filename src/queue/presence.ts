import { randomUUID } from 'node:crypto';
import { loadScript, runScript } from '../platform/lua.ts';
import type { Platform } from '../platform/platform.ts';
import { SECOND } from '../platform/units.ts';
import type { KnownToken } from './known-token.ts';
import { queueKey } from './queue-keys.ts';
import type { QueueMessage } from './queue-message.ts';
import type { TokenView } from './token-view.ts';

const NOTE_SEEN = loadScript(import.meta.url, 'note-seen');
const NOTE_REPORTER = loadScript(import.meta.url, 'note-reporter');

/** Presence is kept for so many numbers behind the front of a lane (REACH in presence.lua). */
const REACH = 20_000;
const MOST_AT_ONCE = 1_000;

/** One holder who is here is told of so often; less than what is polled is remembered for. */
const MOST_TELL_MS = 30 * SECOND;

/** From a sighting to its report at most, as the clock of presence stands still where reports are late (SILENT_MS there). */
const MOST_REPORT_MS = 2 * SECOND;

/** How often to report: once a second, and a few times in the time that a holder may be away. */
export function reportEveryMs(message: QueueMessage | undefined): number {
  return message && message.awayMs > 0 ? Math.min(SECOND, message.awayMs / 4) : SECOND;
}

/**
 * Whether it is early enough to tell with a coming report of a holder who is seen now: Redis was told of the holder within
 * half of the time that one may be away. Else the turn may come before the report does, and Redis must hear it at once.
 * Who polls as told is always reported in time where one may be away for six seconds or more.
 */
export function canAwaitReport(message: QueueMessage | undefined, { view, reportedAt }: KnownToken): boolean {
  if (!message || !view || message.state === 'SCHEDULED' || !isWithinReach(message, view)) return true;
  const { awayMs } = message;
  return reportedAt > 0 && performance.now() - reportedAt < Math.min(awayMs / 2, awayMs - MOST_REPORT_MS);
}

/** Tells Redis who of one queue is here, as far as this process sees. */
export class Presence {
  readonly #platform: Platform;
  readonly #queueId: string;
  readonly #reporter = randomUUID();
  #reports = false;
  /** The reports that are under way. */
  #running: Promise<unknown> = Promise.resolve();
  #ended = false;

  constructor(platform: Platform, queueId: string) {
    this.#platform = platform;
    this.#queueId = queueId;
  }

  /**
   * Tells which holders were seen, among those soon to be admitted: each as often as a few times in the time that they
   * may be away, so that they never count as away while they are here, and always when they were seen last. A process
   * with holders says each time that it has told all, so that its own silence costs them nothing. While Redis is away
   * nothing is told, and told again with the next report.
   */
  async report(message: QueueMessage | undefined, tokens: Iterable<KnownToken>): Promise<void> {
    if (!message || message.state === 'SCHEDULED' || this.#ended) return;
    const { due, holders } = sortByLane(message, tokens, Math.min(MOST_TELL_MS, message.awayMs / 4));
    const told = this.#tellAll(due, holders);
    this.#running = Promise.all([this.#running, told]);
    await told;
  }

  /**
   * The process ends in order: tells who was seen last, and that there are no more reports to wait for, so that who is
   * away meanwhile is not taken to be its fault. While Redis is away nothing is told.
   */
  async end(message: QueueMessage | undefined, tokens: Iterable<KnownToken>): Promise<void> {
    this.#ended = true;
    await this.#running;
    if (!message || !this.#reports) return;
    await this.#tellAll(sortByLane(message, tokens, 0).due, 0);
  }

  async #tellAll(due: Map<string, KnownToken[]>, holders: number): Promise<void> {
    const now = performance.now();
    try {
      for (const [lane, seen] of due) {
        for (let from = 0; from < seen.length; from += MOST_AT_ONCE) {
          await this.#tell(lane, seen.slice(from, from + MOST_AT_ONCE), now);
        }
      }
      if (holders === 0 && !this.#reports) return;
      this.#reports = true;
      await this.#run(NOTE_REPORTER, [this.#reporter, holders > 0 ? 1 : 0]);
      this.#reports = holders > 0;
    } catch {
      this.#platform.log.debug({ queueId: this.#queueId }, 'who is there could not be told');
    }
  }

  async #tell(lane: string, seen: readonly KnownToken[], now: number): Promise<void> {
    const numbers = seen.flatMap(({ view, seenAt }) => [view?.number ?? 0, Math.round(now - seenAt)]);
    const told = seen.map(({ seenAt }) => seenAt);
    await this.#run(NOTE_SEEN, [lane, ...numbers]);
    for (const [index, known] of seen.entries()) known.reportedAt = told[index] as number;
  }

  #run(script: typeof NOTE_SEEN, args: (string | number)[]): Promise<unknown> {
    return runScript(this.#platform.redis, script, queueKey(this.#queueId), args);
  }
}

/** Who is to be told of now, each not sooner than `everyMs` after the last time, by lane; and how many holders there are. */
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

function isWithinReach({ heads }: QueueMessage, { lane, number }: TokenView): boolean {
  return number <= (heads[lane] ?? 0) + REACH;
}
