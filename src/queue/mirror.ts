import type { Platform } from '../platform/platform.ts';
import { SECOND } from '../platform/units.ts';
import { Lanes } from './lanes.ts';
import { type Hint, type QueueMessage, type RawMessage, readMessage, readSnapshot, ticksOf } from './queue-message.ts';

/** Older than this, what a process knows of a queue is not shown without asking Redis. */
const MOST_SILENCE_MS = 2 * SECOND;

/** What may have been missed before a message: nothing; some messages; everything, as numbers mean something else now. */
export type Missed = 'nothing' | 'messages' | 'everything';

/** Whoever wants to know what a mirror hears. */
export interface MirrorListener {
  /** After each message taken in. */
  onNews(message: QueueMessage, missed: Missed): void;
  /** A token is another one now; the next message tells the numbers. */
  onHint(tokenId: string): void;
}

/**
 * One queue as one process knows it from the ticks: exact positions without asking Redis. Notices by itself when
 * messages are missing (a gap in the sequence, another epoch, silence) and asks for all of it again.
 */
export class Mirror {
  /** When the data of Redis were first heard of, on its clock: what is older may be of others. */
  since = 0;
  readonly #platform: Platform;
  readonly #queueId: string;
  readonly #listener: MirrorListener;
  readonly #lanes = new Lanes();
  #latest: QueueMessage | undefined;
  /** Least that our clock may be ahead of Redis', as the snapshot and the messages since tell: what seems older was on its way. */
  #skewMs = 0;
  /** How often everything was said to be another now, and how many of these times have been read since. */
  #outdated = 0;
  #renewed = 0;
  #resyncing: Promise<void> | undefined;
  #pending: (RawMessage | Hint)[] = [];
  #unlisten: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(platform: Platform, queueId: string, listener: MirrorListener) {
    this.#platform = platform;
    this.#queueId = queueId;
    this.#listener = listener;
  }

  /** Listens to the ticks and learns the present state. @throws whatever Redis throws while it is away */
  async open(): Promise<void> {
    const { messages } = this.#platform;
    this.#unlisten.push(await messages.listen(ticksOf(this.#queueId), (raw) => this.#hear(raw)));
    // What comes back may be another Redis, or one that has forgotten its last moments and begins to give numbers out anew.
    this.#unlisten.push(messages.onGap(() => this.#expire()));
    this.#timer = setInterval(() => {
      if (!this.latest) void this.refresh();
    }, SECOND);
    await this.#takeSnapshot();
    if (this.#closed) this.close();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    for (const stop of this.#unlisten.splice(0)) stop();
  }

  /** The last message that was heard, however long ago. */
  get last(): QueueMessage | undefined {
    return this.#latest;
  }

  /** The latest message; undefined while what is known may be out of date. */
  get latest(): QueueMessage | undefined {
    const isFresh = this.#latest && this.#outdated === this.#renewed && this.now - this.#latest.at <= MOST_SILENCE_MS;
    return isFresh ? this.#latest : undefined;
  }

  /** What Redis' clock says now, as far as the messages tell: milliseconds since 1970. */
  get now(): number {
    return performance.now() - this.#skewMs;
  }

  /** As of when on Redis' clock the places are right, in milliseconds since 1970: of who came since nothing is known. */
  get asOf(): number {
    return this.#latest?.at ?? 0;
  }

  /** Whether the number had been given out as of then. */
  hasHeardOf(lane: string, number: number): boolean {
    return this.#lanes.hasHeardOf(lane, number);
  }

  /** Whether nobody was admitted up to that number, nor has its holder given it up. */
  stands(lane: string, number: number): boolean {
    return this.#lanes.stands(lane, number);
  }

  /** Place in the whole queue of a number that stands and was heard of: 1 is the next. */
  position(lane: string, number: number): number {
    return this.#lanes.position(lane, number);
  }

  /** Of those who stood before that number as of then, how many are known to have left later than `since`. */
  leftAhead(lane: string, number: number, since: number): number {
    return this.#lanes.leftAhead(lane, number, since);
  }

  /** Reads all of it from Redis again; while that is away, what is known stays as it is. */
  async refresh(): Promise<void> {
    if (this.#closed) return;
    try {
      await this.#takeSnapshot();
    } catch (error) {
      this.#platform.log.debug({ queueId: this.#queueId, error: String(error) }, 'a queue could not be read again');
    }
  }

  #hear(raw: RawMessage | Hint): void {
    if ('hint' in raw) {
      this.#heed(raw);
      return;
    }
    if (this.#resyncing) {
      this.#pending.push(raw);
      return;
    }
    const message = readMessage(raw);
    const latest = this.#latest;
    if (latest?.epoch === message.epoch && message.seq <= latest.seq) return;
    if (latest?.epoch !== message.epoch || message.seq !== latest.seq + 1 || message.resync) {
      void this.refresh();
      return;
    }
    this.#skewMs = Math.min(this.#skewMs, performance.now() - message.at);
    this.#lanes.follow(message);
    this.#latest = message;
    this.#listener.onNews(message, 'nothing');
  }

  /** A number given up counts at once; after word that any token may be another, nothing is shown until all is read. */
  #heed(raw: Hint): void {
    const { hint, at, lane, number } = raw;
    // The snapshot that is awaited may be older than the hint.
    if (this.#resyncing) this.#pending.push(raw);
    if (hint === '') {
      this.#expire();
      return;
    }
    const latest = this.#latest;
    const vacates = lane !== undefined && number !== undefined;
    // What was said later contains it already.
    if (latest && at >= latest.at && vacates && this.#lanes.vacate({ lane, number, at })) {
      this.#latest = { ...latest, waiting: latest.waiting - 1 };
    }
    this.#listener.onHint(hint);
  }

  /** Nothing is shown until all is read. */
  #expire(): void {
    this.#outdated += 1;
    void this.refresh();
  }

  #takeSnapshot(): Promise<void> {
    this.#resyncing ??= this.#readAll().finally(() => {
      this.#resyncing = undefined;
      // What came meanwhile is judged now: what the snapshot contains is dropped, a gap behind it asks once more.
      for (const raw of this.#pending.splice(0)) this.#hear(raw);
    });
    return this.#resyncing;
  }

  async #readAll(): Promise<void> {
    const before = this.#latest;
    const outdated = this.#outdated;
    const askedAt = performance.now();
    const snapshot = await readSnapshot(this.#platform, this.#queueId);
    const goesOn = outdated === this.#renewed && before !== undefined && isLater(snapshot, before);
    this.#renewed = outdated;
    // It was said after it was asked for: nothing looks younger than it is. Clocks may have been set since the last one.
    this.#skewMs = askedAt - snapshot.at;
    if (!goesOn) this.since = snapshot.at;
    this.#lanes.begin(snapshot);
    this.#latest = snapshot;
    this.#listener.onNews(snapshot, goesOn ? 'messages' : 'everything');
  }
}

/** Whether a message tells of the same data as one heard before it; else Redis came back with older ones. */
function isLater(message: QueueMessage, before: QueueMessage): boolean {
  const tails = Object.entries(before.tails);
  const keptAll = tails.every(([lane, tail]) => (message.tails[lane] ?? 0) >= tail);
  return message.epoch === before.epoch && message.seq >= before.seq && keptAll;
}
