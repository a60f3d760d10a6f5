import { SECOND } from '../../platform/units.ts';
import type { QueueMessage } from '../line/line.ts';
import { moveView, type TokenView } from '../queue-token.ts';
import type { QueueReplica } from './queue-replica.ts';

/** A subscriber in this process to one token. */
export interface TokenWatcher {
  /** Receives the token's present state. */
  readonly notify: (view: TokenView) => void;
  /** Called when Redis has no such token any more. */
  readonly missing: () => void;
  /** The watcher is notified after this many milliseconds also when nothing has changed. */
  readonly heartbeatMs: number;
  /** Position and time (`performance.now()`) of the last notification. */
  lastPosition: number | null;
  notifiedAt: number;
  /** Version of the queue's settings that it was notified of last. */
  lastSettings: number;
}

/** A token that this process knows because it is watched here, or was polled here a short time ago. */
export interface KnownToken {
  readonly tokenId: string;
  readonly watchers: Set<TokenWatcher>;
  view: TokenView | undefined;
  /** The view may be out of date and must be read from Redis again. */
  stale: boolean;
  reading: Promise<void> | undefined;
  /** By `performance.now()`: when its holder polled, was seen, and was last reported as seen; 0 for never. */
  polledAt: number;
  seenAt: number;
  reportedAt: number;
}

export function newKnownToken(tokenId: string, view?: TokenView): KnownToken {
  const times = { polledAt: 0, seenAt: 0, reportedAt: 0 };
  return { tokenId, watchers: new Set(), view, stale: view === undefined, reading: undefined, ...times };
}

export function newWatcher(notify: TokenWatcher['notify'], missing: TokenWatcher['missing']): TokenWatcher {
  return { notify, missing, heartbeatMs: newHeartbeatMs(), lastPosition: null, notifiedAt: 0, lastSettings: 0 };
}

/** Whether the replica can move the token's view: it is WAITING, and nothing says that it has changed. */
function isMovable({ view, stale, reading }: KnownToken): boolean {
  return view?.token.status === 'WAITING' && !stale && !reading;
}

/**
 * The token's present view by the replica.
 * @returns undefined when Redis must be asked: the token is not WAITING, may have changed or be of another data set, or
 * the replica is out of date
 */
export function currentView(replica: QueueReplica, known: KnownToken): TokenView | undefined {
  const { view } = known;
  const { latest } = replica;
  if (!view || !latest || !isMovable(known)) return undefined;
  if (view.at < replica.validSince || !replica.isWaiting(view.lane, view.number)) return undefined;
  const isIncluded = replica.includes(view.lane, view.number);
  // A message may arrive after the answer to a read that was made later than the message.
  if (replica.asOf < view.at || (replica.asOf === view.at && !isIncluded)) return lessDepartures(replica, latest, view);
  if (!isIncluded) return undefined;
  return moveView(view, latest, positionIn(replica, latest, view), replica.now);
}

/** A view that is newer than the last message, less those ahead of it who are known to have left since it was read. */
function lessDepartures(replica: QueueReplica, latest: QueueMessage, view: TokenView): TokenView {
  const { position, waiting } = view.token;
  const left = replica.departedAhead(view.lane, view.number, view.at);
  if (position === null || left === 0) return view;
  return moveView(view, { ...latest, waiting: waiting - left }, position - left, replica.now);
}

function positionIn(replica: QueueReplica, latest: QueueMessage, { lane, number }: TokenView): number | null {
  return latest.state === 'SCHEDULED' ? null : replica.position(lane, number);
}

/** Notifies the token's watchers of new settings of the queue, or of a position that is worth sending (`isWorthSending`). */
export function notifyOfMoves(known: KnownToken, replica: QueueReplica): void {
  const { view, watchers } = known;
  const { latest } = replica;
  if (!view || !latest || replica.asOf < view.at || !isMovable(known)) return;
  if (!replica.includes(view.lane, view.number)) return;
  const position = positionIn(replica, latest, view);
  const now = performance.now();
  let moved: TokenView | undefined;
  for (const watcher of watchers) {
    const sinceMs = now - watcher.notifiedAt;
    const isRenewed = watcher.lastSettings < latest.settings && sinceMs >= MIN_INTERVAL_MS;
    if (!isRenewed && !isWorthSending(watcher.lastPosition, position, sinceMs, watcher.heartbeatMs)) continue;
    moved ??= moveView(view, latest, position, replica.now);
    notify(watcher, moved);
  }
}

export function notify(watcher: TokenWatcher, view: TokenView): void {
  watcher.lastPosition = view.token.position;
  watcher.notifiedAt = performance.now();
  watcher.lastSettings = view.token.settings;
  watcher.notify(view);
}

/** The first positions receive every change; those behind receive changes of at least this size, at most this often. */
const NEAR = 100;
const MIN_MOVE = { places: 10, share: 0.05 } as const;
const MIN_INTERVAL_MS = 2 * SECOND;

/**
 * Every subscriber receives a message at least every 10 s: heartbeats are judged at messages, which come at least once a
 * second. The spread keeps subscribers who came together from being notified together forever.
 */
const HEARTBEAT_MS = { min: 6.5 * SECOND, spread: 1.5 * SECOND } as const;

/** A watcher's heartbeat in milliseconds, at random within the spread. */
export function newHeartbeatMs(): number {
  return HEARTBEAT_MS.min + Math.random() * HEARTBEAT_MS.spread;
}

/**
 * Whether a subscriber is to be sent a position.
 * @param sent the position sent last, @param position the present one; null before the queue has opened
 * @param sinceMs milliseconds since the last one was sent
 * @param heartbeatMs milliseconds after which a position is sent also when it has not changed
 */
export function isWorthSending(
  sent: number | null,
  position: number | null,
  sinceMs: number,
  heartbeatMs: number,
): boolean {
  if (sinceMs >= heartbeatMs) return true;
  if (position === sent) return false;
  if (sent === null || position === null || position <= NEAR) return true;
  const moved = Math.abs(sent - position);
  return sinceMs >= MIN_INTERVAL_MS && moved >= Math.max(MIN_MOVE.places, sent * MIN_MOVE.share);
}

/** Presence is kept for so many numbers behind the front of a lane (REACH in presence.lua). */
const REACH = 20_000;

/** Most time from a sighting to its report: later reports stop the clock of presence (SILENT_MS in presence.lua). */
const MAX_REPORT_MS = 2 * SECOND;

export function isWithinReach({ heads }: QueueMessage, { lane, number }: TokenView): boolean {
  return number <= (heads[lane] ?? 0) + REACH;
}

/**
 * Whether a holder who is seen now may be reported with the next report, rather than to Redis at once. True when the last
 * report is younger than half of the time that a holder may be away: no turn can then come before the next report. A
 * holder who polls as told is always reported in time where `awaySeconds` is at least six.
 */
export function canAwaitReport(message: QueueMessage | undefined, { view, reportedAt }: KnownToken): boolean {
  if (!message || !view || message.state === 'SCHEDULED' || !isWithinReach(message, view)) return true;
  const { awayMs } = message;
  return reportedAt > 0 && performance.now() - reportedAt < Math.min(awayMs / 2, awayMs - MAX_REPORT_MS);
}
