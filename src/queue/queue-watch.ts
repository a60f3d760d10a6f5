import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Platform } from '../platform/platform.ts';
import { SECOND } from '../platform/units.ts';
import { type KnownToken, newKnownToken, placeIn, type TokenWatcher, tellNews, tellWatcher } from './known-token.ts';
import { lookAtToken } from './look-at-token.ts';
import { Mirror, type Missed } from './mirror.ts';
import { canAwaitReport, Presence, reportEveryMs } from './presence.ts';
import type { QueueMessage } from './queue-message.ts';
import type { TokenView } from './token-view.ts';

/** Places looked through before others get their turn. */
const PLACES_PER_TURN = 500;

/** Whoever polls asks again within ten seconds; what was not asked for in this time is forgotten. */
const FORGET_AFTER_MS = 60 * SECOND;

/** Nobody takes longer than this from coming to watching. */
const LINGER_MS = 10 * SECOND;

/** All that one process knows of one queue: its mirror, the tokens watched or polled, and who watches the counts. */
export class QueueWatch {
  readonly mirror: Mirror;
  readonly counts = new Set<(message: QueueMessage) => void>();
  readonly #known = new Map<string, KnownToken>();
  readonly #opened: Promise<void>;
  readonly #platform: Platform;
  readonly #queueId: string;
  readonly #presence: Presence;
  readonly #onIdle: () => void;
  #sweep: 'idle' | 'running' | 'again' = 'idle';
  #joinedAt = performance.now();
  #closed = false;
  #timer: NodeJS.Timeout;

  /** @param onIdle called every second or so while nobody watches, and nobody has polled for a while */
  constructor(platform: Platform, queueId: string, onIdle: () => void) {
    this.#platform = platform;
    this.#queueId = queueId;
    this.#onIdle = onIdle;
    this.mirror = new Mirror(platform, queueId, {
      onNews: (message, missed) => this.#hear(message, missed),
      onHint: (tokenId) => this.#doubt(tokenId),
    });
    this.#opened = this.mirror.open();
    this.#presence = new Presence(platform, queueId);
    this.#timer = setTimeout(() => this.#lookAround(), SECOND);
  }

  /** Somebody is coming: it stays open for a while, whoever leaves. */
  join(): Promise<void> {
    this.#joinedAt = performance.now();
    return this.#opened;
  }

  /** Redis has been told who was here when it is done; whoever asks afterwards is answered by Redis. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.mirror.close();
    this.#noteWatchers();
    await this.#presence.end(this.mirror.last, this.#known.values());
  }

  /** The token as the ticks tell it; undefined when Redis must be asked, or told that its holder is back. */
  recall(tokenId: string): TokenView | undefined {
    const known = this.#known.get(tokenId);
    if (!known || this.#closed) return undefined;
    known.polledAt = known.seenAt = performance.now();
    return canAwaitReport(this.mirror.last, known) ? placeIn(this.mirror, known) : undefined;
  }

  /**
   * Keeps what Redis has just told of a token that waits, for the next time that it is asked for.
   * @param askedAt when its holder asked Redis for it, by `performance.now()`
   */
  remember(tokenId: string, view: TokenView, askedAt: number): void {
    const known = this.#know(tokenId, view);
    known.polledAt = known.seenAt = known.reportedAt = askedAt;
    if (known.watchers.size === 0) Object.assign(known, { view, unsure: false });
  }

  /** Tells the watcher of the token now, and from now on. @param view what Redis has just told of it */
  async watch(tokenId: string, view: TokenView, watcher: TokenWatcher): Promise<void> {
    const known = this.#know(tokenId, view);
    known.watchers.add(watcher);
    known.seenAt = performance.now();
    const place = placeIn(this.mirror, known);
    if (place) tellWatcher(watcher, place);
    else await this.#read(known);
  }

  unwatch(tokenId: string, watcher: TokenWatcher): void {
    const known = this.#known.get(tokenId);
    if (known?.watchers.delete(watcher)) known.polledAt = known.seenAt = performance.now();
  }

  #know(tokenId: string, view: TokenView): KnownToken {
    let known = this.#known.get(tokenId);
    if (!known) {
      // The first one is told of at once: from then on this process is missed when it falls silent.
      if (this.#known.size === 0) this.#lookAroundIn(0);
      known = newKnownToken(tokenId, view);
      this.#known.set(tokenId, known);
    }
    return known;
  }

  #hear(message: QueueMessage, missed: Missed): void {
    for (const tell of this.counts) tell(message);
    for (const tokenId of message.changed) this.#doubt(tokenId);
    for (const known of this.#known.values()) {
      if (missed === 'everything' || this.#isDoubtful(known, missed)) this.#doubt(known.tokenId);
    }
    void this.#tellAll();
  }

  #isDoubtful({ view, unsure, reading }: KnownToken, missed: Missed): boolean {
    if (!view || unsure || reading) return true;
    if (this.mirror.last?.state === 'SCHEDULED' && missed !== 'nothing') return true;
    return view.token.status === 'WAITING' ? !this.mirror.stands(view.lane, view.number) : missed !== 'nothing';
  }

  #doubt(tokenId: string): void {
    const known = this.#known.get(tokenId);
    if (!known) return;
    if (known.watchers.size > 0) void this.#read(known);
    else this.#known.delete(tokenId);
  }

  /** Asks Redis how the token fares, once at a time; while it is away, the next tick asks again. */
  #read(known: KnownToken): Promise<void> {
    known.unsure = true;
    known.reading ??= this.#readAll(known).finally(() => {
      known.reading = undefined;
    });
    return known.reading;
  }

  /** Asks again for as long as something happened while an answer was under way. */
  async #readAll(known: KnownToken): Promise<void> {
    while (known.unsure) {
      known.unsure = false;
      const view = await lookAtToken(this.#platform, this.#queueId, known.tokenId).catch(() => null);
      if (view === null) {
        known.unsure = true;
        return;
      }
      known.view = view;
      for (const watcher of known.watchers) {
        if (view) tellWatcher(watcher, view);
        else watcher.gone();
      }
    }
  }

  /** Looks through the places, some at a time; a message that comes meanwhile makes it look through them once more. */
  async #tellAll(): Promise<void> {
    if (this.#sweep !== 'idle') {
      this.#sweep = 'again';
      return;
    }
    do {
      this.#sweep = 'running';
      let looked = 0;
      for (const known of this.#known.values()) {
        if (known.watchers.size > 0) tellNews(known, this.mirror);
        looked += 1;
        if (looked % PLACES_PER_TURN === 0) await nextTurn();
      }
    } while ((this.#sweep as string) === 'again');
    this.#sweep = 'idle';
  }

  #lookAroundIn(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    this.#timer = setTimeout(() => this.#lookAround(), ms);
  }

  /** Notes who is here, forgets who was not for long, and reports. */
  #lookAround(): void {
    this.#lookAroundIn(reportEveryMs(this.mirror.last));
    this.#noteWatchers();
    const now = performance.now();
    for (const { watchers, polledAt, tokenId } of this.#known.values()) {
      if (watchers.size === 0 && now - polledAt > FORGET_AFTER_MS) this.#known.delete(tokenId);
    }
    void this.#presence.report(this.mirror.last, this.#known.values());
    const deserted = this.#known.size === 0 && this.counts.size === 0;
    if (deserted && now - this.#joinedAt > LINGER_MS) this.#onIdle();
  }

  /** Who watches is here. */
  #noteWatchers(): void {
    const now = performance.now();
    for (const known of this.#known.values()) {
      if (known.watchers.size > 0) known.seenAt = now;
    }
  }
}
