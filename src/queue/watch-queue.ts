import { type Platform, perProcess } from '../platform/platform.ts';
import { newWatcher } from './known-token.ts';
import type { QueueMessage } from './queue-message.ts';
import { QueueWatch } from './queue-watch.ts';
import type { TokenView } from './token-view.ts';

const watches = perProcess((platform) => {
  const all = new Map<string, QueueWatch>();
  platform.closing.push(async () => {
    await Promise.all([...all.values()].map((watch) => watch.close()));
  });
  return all;
});

/**
 * Calls `tell` with the token as it is now and whenever it changes, `gone` when there is no such token any more.
 * @param view what Redis has just told of the token
 * @returns a function that ends it
 * @throws whatever Redis throws while it is away
 */
export async function watchToken(
  platform: Platform,
  queueId: string,
  tokenId: string,
  view: TokenView,
  tell: (view: TokenView) => void,
  gone: () => void,
): Promise<() => void> {
  const watch = await watchOf(platform, queueId);
  const watcher = newWatcher(tell, gone);
  await watch.watch(tokenId, view, watcher);
  return () => watch.unwatch(tokenId, watcher);
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
  const watch = await watchOf(platform, queueId);
  watch.counts.add(tell);
  if (watch.mirror.latest) tell(watch.mirror.latest);
  else void watch.mirror.refresh();
  return () => watch.counts.delete(tell);
}

/** The token as the ticks tell it to this process, without asking Redis; undefined when that must be asked. */
export function recallToken(platform: Platform, queueId: string, tokenId: string): TokenView | undefined {
  return watches(platform).get(queueId)?.recall(tokenId);
}

/** Keeps what Redis has just told of a token that waits, so that its holder can be answered without asking again. */
export function rememberToken(platform: Platform, queueId: string, tokenId: string, view: TokenView): void {
  const askedAt = performance.now();
  watchOf(platform, queueId).then(
    (watch) => watch.remember(tokenId, view, askedAt),
    (error: unknown) => platform.log.debug({ queueId, error: String(error) }, 'a queue could not be watched'),
  );
}

/** The watch of that queue, opened; it closes by itself when it has been idle. */
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
