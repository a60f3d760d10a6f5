import type { Platform } from '../platform/platform.ts';
import { SECOND } from '../platform/units.ts';
import { Gone } from './gone.ts';
import { type QueueMessage, type RawMessage, readMessage, readSnapshot, ticksOf } from './queue-message.ts';

/** Older than this, what a process knows of a queue is not shown without asking Redis. */
const MOST_SILENCE_MS = 2 * SECOND;

/**
 * One queue as one process knows it from the ticks: exact positions without asking Redis. Notices by itself when
 * messages are missing (a gap in the sequence, another epoch, silence) and asks for all of it again.
 */
export class Mirror {
  readonly #platform: Platform;
  readonly #queueId: string;
  readonly #onNews: (message: QueueMessage, missed: boolean) => void;
  readonly #gone = new Map<string, Gone>();
  #latest: QueueMessage | undefined;
  #heardAt = 0;
  #resyncing: Promise<void> | undefined;
  #pending: RawMessage[] = [];
  #unlisten: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param onNews called after each message taken in; `missed` says that others may have been lost before it */
  constructor(platform: Platform, queueId: string, onNews: (message: QueueMessage, missed: boolean) => void) {
    this.#platform = platform;
    this.#queueId = queueId;
    this.#onNews = onNews;
  }

  /** Listens to the ticks and learns the present state. @throws whatever Redis throws while it is away */
  async open(): Promise<void> {
    const { messages } = this.#platform;
    this.#unlisten.push(await messages.listen(ticksOf(this.#queueId), (raw) => this.#hear(raw)));
    this.#unlisten.push(messages.onGap(() => void this.refresh()));
    this.#timer = setInterval(() => {
      if (Date.now() - this.#heardAt > MOST_SILENCE_MS) void this.refresh();
    }, SECOND);
    await this.#takeSnapshot();
    if (this.#closed) this.close();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    for (const stop of this.#unlisten.splice(0)) stop();
  }

  /** The latest message; undefined while what is known may be out of date. */
  get latest(): QueueMessage | undefined {
    return Date.now() - this.#heardAt <= MOST_SILENCE_MS ? this.#latest : undefined;
  }

  /** Place in the whole queue of a WAITING number: 1 is the next; 0 or less when its turn has passed. */
  position(message: QueueMessage, lane: string, number: number): number {
    let ahead = 0;
    for (const other of Object.keys(message.heads).sort((a, b) => Number(b) - Number(a))) {
      if (other === lane) break;
      ahead += (message.tails[other] ?? 0) - (message.heads[other] ?? 0) - this.#goneIn(other).size;
    }
    const passed = number - (message.heads[lane] ?? 0) - this.#goneIn(lane).countUpTo(number);
    return number <= (message.heads[lane] ?? 0) ? 0 : ahead + passed;
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

  #hear(raw: RawMessage): void {
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
    this.#takeIn(message);
    this.#onNews(message, false);
  }

  #takeIn(message: QueueMessage): void {
    for (const [lane, numbers] of Object.entries(message.gone)) this.#goneIn(lane).add(numbers);
    for (const [lane, head] of Object.entries(message.heads)) this.#goneIn(lane).dropUpTo(head);
    this.#latest = message;
    this.#heardAt = Date.now();
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
    const snapshot = await readSnapshot(this.#platform, this.#queueId);
    this.#gone.clear();
    this.#takeIn(snapshot);
    this.#onNews(snapshot, true);
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
