import { type Platform, perProcess } from '../platform/platform.ts';
import { isNews } from './is-news.ts';
import { Mirror } from './mirror.ts';
import type { QueueMessage } from './queue-message.ts';
import { readToken } from './read-token.ts';
import { placeOf, type TokenView } from './token-view.ts';

/** Somebody in this process who wants to know how one token fares. */
interface TokenWatcher {
  readonly tokenId: string;
  readonly tell: (view: TokenView) => void;
  readonly gone: () => void;
  view: TokenView | undefined;
  toldAt: number;
  /** What is known may be out of date: Redis must be asked. */
  unsure: boolean;
  reading: Promise<void> | undefined;
}

/** All who watch one queue in this process, over one mirror. */
class QueueWatch {
  readonly mirror: Mirror;
  readonly opened: Promise<void>;
  readonly tokens = new Map<string, Set<TokenWatcher>>();
  readonly counts = new Set<(message: QueueMessage) => void>();
  /** Those who joined and have not parted: the last one closes the mirror. */
  guests = 0;
  readonly #platform: Platform;
  readonly #queueId: string;

  constructor(platform: Platform, queueId: string) {
    this.#platform = platform;
    this.#queueId = queueId;
    this.mirror = new Mirror(platform, queueId, (message, missed) => this.#spread(message, missed));
    this.opened = this.mirror.open();
  }

  #spread(message: QueueMessage, missed: boolean): void {
    for (const tell of this.counts) tell(message);
    const changed = new Set(message.changed);
    for (const watchers of this.tokens.values()) {
      for (const watcher of watchers) {
        if (missed || changed.has(watcher.tokenId)) watcher.unsure = true;
        this.#bring(watcher, message);
      }
    }
  }

  #bring(watcher: TokenWatcher, message: QueueMessage): void {
    const { view } = watcher;
    if (!view || watcher.unsure || watcher.reading) {
      void this.read(watcher);
      return;
    }
    // A message may come later than the answer to a question asked after it.
    if (view.token.status !== 'WAITING' || message.at < view.at) return;
    const position = this.mirror.position(message, view.lane, view.number);
    if (position <= 0) {
      void this.read(watcher);
    } else if (isNews(view.token.position, position, Date.now() - watcher.toldAt)) {
      const etaMs = message.msPerPlace > 0 ? position * message.msPerPlace : -1;
      this.#tell(watcher, {
        ...view,
        token: Object.assign(
          Object.create(Object.getPrototypeOf(view.token)),
          view.token,
          placeOf(position, message.waiting, etaMs),
        ),
      });
    }
  }

  /** Asks Redis how the token fares, once at a time; while it is away, the next tick asks again. */
  read(watcher: TokenWatcher): Promise<void> {
    watcher.unsure = true;
    watcher.reading ??= this.#readAll(watcher).finally(() => {
      watcher.reading = undefined;
    });
    return watcher.reading;
  }

  /** Asks again for as long as something happened while an answer was under way. */
  async #readAll(watcher: TokenWatcher): Promise<void> {
    while (watcher.unsure) {
      watcher.unsure = false;
      const view = await readToken(this.#platform, this.#queueId, watcher.tokenId).catch(() => null);
      if (view === null) {
        watcher.unsure = true;
        return;
      }
      if (view) this.#tell(watcher, view);
      else watcher.gone();
    }
  }

  #tell(watcher: TokenWatcher, view: TokenView): void {
    watcher.view = view;
    watcher.toldAt = Date.now();
    watcher.tell(view);
  }
}

const watches = perProcess(() => new Map<string, QueueWatch>());

/**
 * Calls `tell` with the token as it is now and whenever it changes, `gone` when there is no such token any more.
 * @returns a function that ends it
 * @throws whatever Redis throws while it is away
 */
export async function watchToken(
  platform: Platform,
  queueId: string,
  tokenId: string,
  tell: (view: TokenView) => void,
  gone: () => void,
): Promise<() => void> {
  const watch = await join(platform, queueId);
  const watcher: TokenWatcher = {
    ...{ tokenId, tell, gone },
    ...{ view: undefined, toldAt: 0, unsure: true, reading: undefined },
  };
  const watchers = watch.tokens.get(tokenId) ?? new Set();
  watch.tokens.set(tokenId, watchers.add(watcher));
  await watch.read(watcher);
  return () => {
    if (!watchers.delete(watcher)) return;
    if (watchers.size === 0 && watch.tokens.get(tokenId) === watchers) watch.tokens.delete(tokenId);
    part(platform, queueId, watch);
  };
}

/**
 * Calls `tell` with each message of the queue, from the present one on.
 * @returns a function that ends it
 * @throws whatever Redis throws while it is away
 */
export async function watchCounts(
  platform: Platform,
  queueId: string,
  tell: (message: QueueMessage) => void,
): Promise<() => void> {
  const watch = await join(platform, queueId);
  watch.counts.add(tell);
  if (watch.mirror.latest) tell(watch.mirror.latest);
  else void watch.mirror.refresh();
  return () => {
    if (watch.counts.delete(tell)) part(platform, queueId, watch);
  };
}

/** The watch of that queue, opened; who joins must part. */
async function join(platform: Platform, queueId: string): Promise<QueueWatch> {
  const all = watches(platform);
  let watch = all.get(queueId);
  if (!watch) {
    watch = new QueueWatch(platform, queueId);
    all.set(queueId, watch);
  }
  // Counted before waiting, so that nobody who parts meanwhile closes it under the feet of who is coming.
  watch.guests += 1;
  try {
    await watch.opened;
  } catch (error) {
    if (all.get(queueId) === watch) all.delete(queueId);
    part(platform, queueId, watch);
    throw error;
  }
  return watch;
}

function part(platform: Platform, queueId: string, watch: QueueWatch): void {
  watch.guests -= 1;
  if (watch.guests > 0) return;
  const all = watches(platform);
  if (all.get(queueId) === watch) all.delete(queueId);
  watch.mirror.close();
}
