import type { Platform } from '../../platform/platform.ts';
import { SECOND } from '../../platform/units.ts';
import {
  channelOf,
  type Invalidation,
  type QueueMessage,
  type RawMessage,
  readMessage,
  readSnapshot,
} from '../line/line.ts';
import { Lanes } from './lanes.ts';

/** A replica whose last message is older than this answers nothing until it has been read from Redis again. */
const MAX_SILENCE_MS = 2 * SECOND;

/**
 * What may have been missed before a message: nothing; some messages; everything, because the data set is another one.
 */
export type Missed = 'nothing' | 'messages' | 'everything';

export interface ReplicaListener {
  /** Called after each message has been applied. */
  onMessage(message: QueueMessage, missed: Missed): void;
  /** Called when a token has changed before the next message. */
  onInvalidate(tokenId: string): void;
}

/**
 * One process's replica of one queue, kept by the messages of its ticks: it answers exact positions without asking
 * Redis. It detects missing messages (a gap in the sequence, another epoch, silence) and then reads everything from
 * Redis again.
 */
export class QueueReplica {
  /**
   * When the present data set was first read, in milliseconds since 1970 on Redis' clock; older answers may be of
   * another.
   */
  validSince = 0;
  readonly #platform: Platform;
  readonly #queueId: string;
  readonly #listener: ReplicaListener;
  readonly #lanes = new Lanes();
  #last: QueueMessage | undefined;
  /** Least difference seen between this process's clock and Redis', so that the delay of messages does not count. */
  #skewMs = 0;
  /** How many times everything was invalidated, and up to which of these the replica has been read again. */
  #invalidated = 0;
  #revalidated = 0;
  #resyncing: Promise<void> | undefined;
  /** What arrived while a snapshot was being read. */
  #pending: (RawMessage | Invalidation)[] = [];
  #unlisten: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(platform: Platform, queueId: string, listener: ReplicaListener) {
    this.#platform = platform;
    this.#queueId = queueId;
    this.#listener = listener;
  }

  /** Subscribes to the messages and reads the present state. @throws what Redis throws while it is unreachable */
  async open(): Promise<void> {
    const { messages } = this.#platform;
    this.#unlisten.push(await messages.listen(channelOf(this.#queueId), (raw) => this.#receive(raw)));
    // After a reconnect Redis may be another one, or have lost its last moments and give numbers out again.
    this.#unlisten.push(messages.onGap(() => this.#invalidateAll()));
    this.#timer = setInterval(() => {
      if (!this.latest) void this.refresh();
    }, SECOND);
    await this.#resync();
    if (this.#closed) this.close();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    for (const stop of this.#unlisten.splice(0)) stop();
  }

  /** The last message, however old. */
  get last(): QueueMessage | undefined {
    return this.#last;
  }

  /** The last message; undefined while the replica may be out of date. */
  get latest(): QueueMessage | undefined {
    const isFresh = this.#last && this.#invalidated === this.#revalidated && this.now - this.#last.at <= MAX_SILENCE_MS;
    return isFresh ? this.#last : undefined;
  }

  /** Redis' clock as estimated from the messages: milliseconds since 1970. */
  get now(): number {
    return performance.now() - this.#skewMs;
  }

  /** The time of the last message, in milliseconds since 1970 on Redis' clock: entries after it are not included. */
  get asOf(): number {
    return this.#last?.at ?? 0;
  }

  /** Whether the number had been given out at the last message. */
  includes(lane: string, number: number): boolean {
    return this.#lanes.includes(lane, number);
  }

  /** Whether the number is behind its lane's head and has not departed. */
  isWaiting(lane: string, number: number): boolean {
    return this.#lanes.isWaiting(lane, number);
  }

  /** Position in the whole queue of an included number that waits: 1 is the next to be admitted. */
  position(lane: string, number: number): number {
    return this.#lanes.position(lane, number);
  }

  /** How many of those ahead of the number left after `since` (milliseconds since 1970 on Redis' clock). */
  departedAhead(lane: string, number: number, since: number): number {
    return this.#lanes.departedAhead(lane, number, since);
  }

  /** Reads everything from Redis again; while Redis is unreachable, the replica stays as it is. */
  async refresh(): Promise<void> {
    if (this.#closed) return;
    try {
      await this.#resync();
    } catch (error) {
      this.#platform.log.debug({ queueId: this.#queueId, error: String(error) }, 'a replica could not be refreshed');
    }
  }

  #receive(raw: RawMessage | Invalidation): void {
    if ('invalidates' in raw) {
      this.#applyInvalidation(raw);
      return;
    }
    if (this.#resyncing) {
      this.#pending.push(raw);
      return;
    }
    const message = readMessage(raw);
    const last = this.#last;
    if (last?.epoch === message.epoch && message.seq <= last.seq) return;
    if (last?.epoch !== message.epoch || message.seq !== last.seq + 1 || message.resync) {
      void this.refresh();
      return;
    }
    this.#skewMs = Math.min(this.#skewMs, performance.now() - message.at);
    this.#lanes.apply(message);
    this.#last = message;
    this.#listener.onMessage(message, 'nothing');
  }

  /**
   * Removes a departed number at once; an invalidation of every token makes the replica unusable until it is read
   * again.
   */
  #applyInvalidation(raw: Invalidation): void {
    const { invalidates, at, lane, number } = raw;
    // The snapshot that is being read may be older than the invalidation.
    if (this.#resyncing) this.#pending.push(raw);
    if (invalidates === '') {
      this.#invalidateAll();
      return;
    }
    const last = this.#last;
    const departs = lane !== undefined && number !== undefined;
    // A later message contains the departure already.
    if (last && at >= last.at && departs && this.#lanes.depart({ lane, number, at })) {
      this.#last = { ...last, waiting: last.waiting - 1 };
    }
    this.#listener.onInvalidate(invalidates);
  }

  #invalidateAll(): void {
    this.#invalidated += 1;
    void this.refresh();
  }

  #resync(): Promise<void> {
    this.#resyncing ??= this.#readAll().finally(() => {
      this.#resyncing = undefined;
      // What the snapshot contains is dropped; a gap after the snapshot causes another resync.
      for (const raw of this.#pending.splice(0)) this.#receive(raw);
    });
    return this.#resyncing;
  }

  async #readAll(): Promise<void> {
    const before = this.#last;
    const invalidated = this.#invalidated;
    const askedAt = performance.now();
    const snapshot = await readSnapshot(this.#platform, this.#queueId);
    const continues = invalidated === this.#revalidated && before !== undefined && isLater(snapshot, before);
    this.#revalidated = invalidated;
    // The snapshot was made after `askedAt`, so that no age is underestimated. Clocks may have been set since the last
    // one.
    this.#skewMs = askedAt - snapshot.at;
    if (!continues) this.validSince = snapshot.at;
    this.#lanes.reset(snapshot);
    this.#last = snapshot;
    this.#listener.onMessage(snapshot, continues ? 'messages' : 'everything');
  }
}

/** Whether a message describes the same data set as an earlier one; false after Redis came back with older data. */
function isLater(message: QueueMessage, before: QueueMessage): boolean {
  const tails = Object.entries(before.tails);
  const keptAll = tails.every(([lane, tail]) => (message.tails[lane] ?? 0) >= tail);
  return message.epoch === before.epoch && message.seq >= before.seq && keptAll;
}
