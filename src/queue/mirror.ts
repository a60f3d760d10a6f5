import type { Platform } from '../platform/platform.ts';
import { SECOND } from '../platform/units.ts';
import { Gone } from './gone.ts';
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
  /** When the epoch was first heard of, on Redis' clock: what is older may be of another one. */
  since = 0;
  /** As of when on Redis' clock the places are right, in milliseconds since 1970. */
  asOf = 0;
  readonly #platform: Platform;
  readonly #queueId: string;
  readonly #listener: MirrorListener;
  readonly #gone = new Map<string, Gone>();
  /** By lane: how many wait in the lanes that are served before it. */
  readonly #ahead = new Map<string, number>();
  #latest: QueueMessage | undefined;
  /** Least that our clock was ahead of Redis' when a message came: what comes later than that was on its way for long. */
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
    this.#unlisten.push(messages.onGap(() => void this.refresh()));
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

  /** Whether nobody was admitted up to that number, nor has its holder given it up. */
  stands(lane: string, number: number): boolean {
    // The sealing of a SCHEDULED queue moves the head past everybody, who wait for other numbers all the same.
    const mayStand = this.#latest?.state === 'SCHEDULED' || number > (this.#latest?.heads[lane] ?? 0);
    return mayStand && !this.#goneIn(lane).has(number);
  }

  /** Place in the whole queue of a number that stands: 1 is the next. */
  position(lane: string, number: number): number {
    const head = this.#latest?.heads[lane] ?? 0;
    return this.#aheadOf(lane) + number - head - this.#goneIn(lane).countUpTo(number);
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
    this.#takeIn(message);
    this.#listener.onNews(message, 'nothing');
  }

  /** A number given up counts at once; after word that any token may be another, nothing is shown until all is read. */
  #heed({ hint, at, lane, number }: Hint): void {
    if (hint === '') {
      this.#outdated += 1;
      void this.refresh();
      return;
    }
    if (this.#latest && lane !== undefined && number !== undefined && this.stands(lane, number)) {
      this.#goneIn(lane).add([number]);
      this.#ahead.clear();
      this.#latest = { ...this.#latest, waiting: this.#latest.waiting - 1 };
      this.asOf = at;
    }
    this.#listener.onHint(hint);
  }

  #takeIn(message: QueueMessage): void {
    for (const [lane, numbers] of Object.entries(message.gone)) this.#goneIn(lane).add(numbers);
    for (const [lane, head] of Object.entries(message.heads)) this.#goneIn(lane).dropUpTo(head);
    this.#ahead.clear();
    this.#latest = message;
    this.asOf = message.at;
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
    const before = this.#latest?.epoch;
    const outdated = this.#outdated;
    const snapshot = await readSnapshot(this.#platform, this.#queueId);
    this.#renewed = outdated;
    // An answer cannot be older than its question; clocks may have been set since the last one.
    this.#skewMs = performance.now() - snapshot.at;
    this.#gone.clear();
    if (before !== snapshot.epoch) this.since = snapshot.at;
    this.#takeIn(snapshot);
    this.#listener.onNews(snapshot, before === snapshot.epoch ? 'messages' : 'everything');
  }

  #aheadOf(lane: string): number {
    if (this.#ahead.size === 0) this.#sumLanes();
    return this.#ahead.get(lane) ?? 0;
  }

  #sumLanes(): void {
    const { heads = {}, tails = {} } = this.#latest ?? {};
    let ahead = 0;
    for (const lane of Object.keys(heads).sort((a, b) => Number(b) - Number(a))) {
      this.#ahead.set(lane, ahead);
      ahead += (tails[lane] ?? 0) - (heads[lane] ?? 0) - this.#goneIn(lane).size;
    }
  }

  #goneIn(lane: string): Gone {
    let gone = this.#gone.get(lane);
    if (!gone) {
      gone = new Gone();
      this.#gone.set(lane, gone);
    }
    return gone;
  }
}
