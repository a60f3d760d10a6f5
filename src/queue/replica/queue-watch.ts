import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Platform, perProcess } from '../../platform/platform.ts';
import { SECOND } from '../../platform/units.ts';
import { type QueueMessage, readSnapshot, readToken } from '../line/line.ts';
import type { TokenView } from '../queue-token.ts';
import {
  canAwaitReport,
  currentView,
  type KnownToken,
  newKnownToken,
  newWatcher,
  notify,
  notifyOfMoves,
  type TokenWatcher,
} from './known-token.ts';
import { Presence, reportEveryMs } from './presence.ts';
import { type Missed, QueueReplica } from './queue-replica.ts';

/** The queues that this process watches, by id. */
const watches = perProcess((platform) => {
  const all = new Map<string, QueueWatch>();
  platform.closing.push(async () => {
    await Promise.all([...all.values()].map((watch) => watch.close()));
  });
  return all;
});

/**
 * Subscribes to one token.
 * @param view what Redis has just answered about the token
 * @param onChange receives the token as it is now, and then whenever it changes
 * @param onMissing called when Redis has no such token any more
 * @returns a function that ends the subscription
 * @throws what Redis throws while it is unreachable
 */
export async function watchToken(
  platform: Platform,
  queueId: string,
  tokenId: string,
  view: TokenView,
  onChange: (view: TokenView) => void,
  onMissing: () => void,
): Promise<() => void> {
  const watch = await watchOf(platform, queueId);
  const watcher = newWatcher(onChange, onMissing);
  await watch.watch(tokenId, view, watcher);
  return () => watch.unwatch(tokenId, watcher);
}

/**
 * Subscribes to the messages of a queue, from the present one on.
 * @returns a function that ends the subscription
 * @throws what Redis throws while it is unreachable
 */
export async function watchCounts(
  platform: Platform,
  queueId: string,
  onMessage: (message: QueueMessage) => void,
): Promise<() => void> {
  const watch = await watchOf(platform, queueId);
  watch.counts.add(onMessage);
  if (watch.replica.latest) onMessage(watch.replica.latest);
  else void watch.replica.refresh();
  return () => watch.counts.delete(onMessage);
}

/**
 * The latest message of a queue, for a caller that asks again and again: this process then watches the queue.
 * @throws what Redis throws while it is unreachable
 */
export async function readCounts(platform: Platform, queueId: string): Promise<QueueMessage> {
  const { replica } = await watchOf(platform, queueId);
  if (!replica.latest) await replica.refresh();
  return replica.latest ?? readSnapshot(platform, queueId);
}

/** The token as this process's replica has it; undefined when Redis must be asked. */
export function recallToken(platform: Platform, queueId: string, tokenId: string): TokenView | undefined {
  return watches(platform).get(queueId)?.recall(tokenId);
}

/** Keeps what Redis has just answered about a WAITING token, so that the next poll is answered from the replica. */
export function rememberToken(platform: Platform, queueId: string, tokenId: string, view: TokenView): void {
  const askedAt = performance.now();
  watchOf(platform, queueId).then(
    (watch) => watch.remember(tokenId, view, askedAt),
    (error: unknown) => platform.log.debug({ queueId, error: String(error) }, 'a queue could not be watched'),
  );
}

/** The watch of that queue, opened; it closes itself when it has been idle. */
async function watchOf(platform: Platform, queueId: string): Promise<QueueWatch> {
  const all = watches(platform);
  const known = all.get(queueId);
  const watch = known ?? new QueueWatch(platform, queueId, () => close(all, queueId));
  if (!known) all.set(queueId, watch);
  try {
    await watch.join();
  } catch (error) {
    if (all.get(queueId) === watch) close(all, queueId);
    throw error;
  }
  return watch;
}

function close(all: Map<string, QueueWatch>, queueId: string): void {
  void all.get(queueId)?.close();
  all.delete(queueId);
}

/** Tokens looked through before other work gets its turn. */
const TOKENS_PER_TURN = 500;

/** A client polls at least every ten seconds; a token that was not polled for this long is forgotten. */
const FORGET_AFTER_MS = 60 * SECOND;

/** A watch stays open for at least this long after a caller asked for it. */
const LINGER_MS = 10 * SECOND;

/**
 * All that one process knows of one queue: its replica, the tokens watched or polled, the subscribers to the counts.
 */
class QueueWatch {
  readonly replica: QueueReplica;
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

  /** @param onIdle called about once a second while nothing is watched and nothing was polled for a while */
  constructor(platform: Platform, queueId: string, onIdle: () => void) {
    this.#platform = platform;
    this.#queueId = queueId;
    this.#onIdle = onIdle;
    this.replica = new QueueReplica(platform, queueId, {
      onMessage: (message, missed) => this.#receive(message, missed),
      onInvalidate: (tokenId) => this.#invalidate(tokenId),
    });
    this.#opened = this.replica.open();
    this.#presence = new Presence(platform, queueId);
    this.#timer = setTimeout(() => this.#maintain(), SECOND);
  }

  /** Keeps the watch open for a while, for a caller that is about to use it. */
  join(): Promise<void> {
    this.#joinedAt = performance.now();
    return this.#opened;
  }

  /** Resolves when the last report of presence has been sent; later reads are answered by Redis. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.replica.close();
    this.#noteWatchers();
    await this.#presence.end(this.replica.last, this.#known.values());
  }

  /**
   * The token as the replica has it; undefined when Redis must be asked, or must hear at once that its holder is back.
   */
  recall(tokenId: string): TokenView | undefined {
    const known = this.#known.get(tokenId);
    if (!known || this.#closed) return undefined;
    known.polledAt = known.seenAt = performance.now();
    return canAwaitReport(this.replica.last, known) ? currentView(this.replica, known) : undefined;
  }

  /** Keeps what Redis answered about a WAITING token. @param askedAt when Redis was asked, by `performance.now()` */
  remember(tokenId: string, view: TokenView, askedAt: number): void {
    const known = this.#know(tokenId, view);
    known.polledAt = known.seenAt = known.reportedAt = askedAt;
    if (known.watchers.size === 0) Object.assign(known, { view, stale: false });
  }

  /** Notifies the watcher of the token now and from now on. @param view what Redis has just answered about it */
  async watch(tokenId: string, view: TokenView, watcher: TokenWatcher): Promise<void> {
    const known = this.#know(tokenId, view);
    known.watchers.add(watcher);
    known.seenAt = performance.now();
    const current = currentView(this.replica, known);
    if (current) notify(watcher, current);
    else await this.#read(known);
  }

  unwatch(tokenId: string, watcher: TokenWatcher): void {
    const known = this.#known.get(tokenId);
    if (known?.watchers.delete(watcher)) known.polledAt = known.seenAt = performance.now();
  }

  #know(tokenId: string, view: TokenView): KnownToken {
    let known = this.#known.get(tokenId);
    if (!known) {
      // The first token is reported at once: from then on Redis notices when this process falls silent.
      if (this.#known.size === 0) this.#maintainIn(0);
      known = newKnownToken(tokenId, view);
      this.#known.set(tokenId, known);
    }
    return known;
  }

  #receive(message: QueueMessage, missed: Missed): void {
    for (const onMessage of this.counts) onMessage(message);
    for (const tokenId of message.changed) this.#invalidate(tokenId);
    for (const known of this.#known.values()) {
      if (missed === 'everything' || this.#mayHaveChanged(known, missed)) this.#invalidate(known.tokenId);
    }
    void this.#notifyAll();
  }

  #mayHaveChanged({ view, stale, reading }: KnownToken, missed: Missed): boolean {
    if (!view || stale || reading) return true;
    if (this.replica.last?.state === 'SCHEDULED' && missed !== 'nothing') return true;
    return view.token.status === 'WAITING' ? !this.replica.isWaiting(view.lane, view.number) : missed !== 'nothing';
  }

  /** Reads a watched token again; forgets one that was only polled. */
  #invalidate(tokenId: string): void {
    const known = this.#known.get(tokenId);
    if (!known) return;
    if (known.watchers.size > 0) void this.#read(known);
    else this.#known.delete(tokenId);
  }

  /** Reads the token from Redis, one read at a time; after a read that failed, the next message starts another. */
  #read(known: KnownToken): Promise<void> {
    known.stale = true;
    known.reading ??= this.#readUntilCurrent(known).finally(() => {
      known.reading = undefined;
    });
    return known.reading;
  }

  /** Reads again for as long as the token was invalidated while a read was under way. */
  async #readUntilCurrent(known: KnownToken): Promise<void> {
    while (known.stale) {
      known.stale = false;
      const view = await readToken(this.#platform, this.#queueId, known.tokenId).catch(() => null);
      if (view === null) {
        known.stale = true;
        return;
      }
      known.view = view;
      for (const watcher of known.watchers) {
        if (view) notify(watcher, view);
        else watcher.missing();
      }
    }
  }

  /** Sweeps the tokens in parts; a message that arrives during a sweep starts another one after it. */
  async #notifyAll(): Promise<void> {
    if (this.#sweep !== 'idle') {
      this.#sweep = 'again';
      return;
    }
    do {
      this.#sweep = 'running';
      let swept = 0;
      for (const known of this.#known.values()) {
        if (known.watchers.size > 0) notifyOfMoves(known, this.replica);
        swept += 1;
        if (swept % TOKENS_PER_TURN === 0) await nextTurn();
      }
    } while ((this.#sweep as string) === 'again');
    this.#sweep = 'idle';
  }

  #maintainIn(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    this.#timer = setTimeout(() => this.#maintain(), ms);
  }

  /** Forgets tokens that were not polled for long, reports who is present, and closes an idle watch. */
  #maintain(): void {
    this.#maintainIn(reportEveryMs(this.replica.last));
    this.#noteWatchers();
    const now = performance.now();
    for (const { watchers, polledAt, tokenId } of this.#known.values()) {
      if (watchers.size === 0 && now - polledAt > FORGET_AFTER_MS) this.#known.delete(tokenId);
    }
    void this.#presence.report(this.replica.last, this.#known.values());
    const isIdle = this.#known.size === 0 && this.counts.size === 0;
    if (isIdle && now - this.#joinedAt > LINGER_MS) this.#onIdle();
  }

  /** An open subscription counts as being present. */
  #noteWatchers(): void {
    const now = performance.now();
    for (const known of this.#known.values()) {
      if (known.watchers.size > 0) known.seenAt = now;
    }
  }
}
