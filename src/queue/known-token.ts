import { isNews, newGapMs } from './is-news.ts';
import type { Mirror } from './mirror.ts';
import type { QueueMessage } from './queue-message.ts';
import { moveView, type TokenView } from './token-view.ts';

/** Somebody in this process who wants to know how one token fares. */
export interface TokenWatcher {
  readonly tell: (view: TokenView) => void;
  readonly gone: () => void;
  readonly gapMs: number;
  told: number | null;
  toldAt: number;
}

/** A token that somebody in this process watches, or asked for a moment ago. */
export interface KnownToken {
  readonly tokenId: string;
  readonly watchers: Set<TokenWatcher>;
  view: TokenView | undefined;
  /** What is known may be out of date: Redis must be asked. */
  unsure: boolean;
  reading: Promise<void> | undefined;
  /** By `performance.now()`: when its holder asked for it, was there, and was reported to have been there; 0 never. */
  polledAt: number;
  seenAt: number;
  reportedAt: number;
}

export function newKnownToken(tokenId: string, view?: TokenView): KnownToken {
  const times = { polledAt: 0, seenAt: 0, reportedAt: 0 };
  return { tokenId, watchers: new Set(), view, unsure: view === undefined, reading: undefined, ...times };
}

export function newWatcher(tell: TokenWatcher['tell'], gone: TokenWatcher['gone']): TokenWatcher {
  return { tell, gone, gapMs: newGapMs(), told: null, toldAt: 0 };
}

/** Whether what is known of the token is to be told: it waits, and nothing says that it has changed since. */
export function isSure({ view, unsure, reading }: KnownToken): boolean {
  return view?.token.status === 'WAITING' && !unsure && !reading;
}

/**
 * Where the mirror puts a known token now; undefined when Redis must be asked: the token does not wait, may have
 * changed or be of another epoch, or the mirror is out of date.
 */
export function placeIn(mirror: Mirror, known: KnownToken): TokenView | undefined {
  const { view } = known;
  const { latest } = mirror;
  if (!view || !latest || !isSure(known)) return undefined;
  if (view.at < mirror.since || !mirror.stands(view.lane, view.number)) return undefined;
  const isHeardOf = mirror.hasHeardOf(view.lane, view.number);
  // A message may come later than the answer to a question asked after it.
  if (mirror.asOf < view.at || (mirror.asOf === view.at && !isHeardOf)) return withoutLeavers(mirror, latest, view);
  if (!isHeardOf) return undefined;
  const position = latest.state === 'SCHEDULED' ? null : mirror.position(view.lane, view.number);
  return moveView(view, latest, position, mirror.now);
}

/** The view, newer than the last message, less those before it who are known to have left since. */
function withoutLeavers(mirror: Mirror, latest: QueueMessage, view: TokenView): TokenView {
  const { position, waiting } = view.token;
  const left = mirror.leftAhead(view.lane, view.number, view.at);
  if (position === null || left === 0) return view;
  return moveView(view, { ...latest, waiting: waiting - left }, position - left, mirror.now);
}

/** Tells those to whom the token's place is news. */
export function tellNews(known: KnownToken, mirror: Mirror): void {
  const { view, watchers } = known;
  const { latest } = mirror;
  if (!view || !latest || mirror.asOf < view.at || !isSure(known)) return;
  if (!mirror.hasHeardOf(view.lane, view.number)) return;
  const position = latest.state === 'SCHEDULED' ? null : mirror.position(view.lane, view.number);
  const now = performance.now();
  let moved: TokenView | undefined;
  for (const watcher of watchers) {
    if (!isNews(watcher.told, position, now - watcher.toldAt, watcher.gapMs)) continue;
    moved ??= moveView(view, latest, position, mirror.now);
    tellWatcher(watcher, moved);
  }
}

export function tellWatcher(watcher: TokenWatcher, view: TokenView): void {
  watcher.told = view.token.position;
  watcher.toldAt = performance.now();
  watcher.tell(view);
}
