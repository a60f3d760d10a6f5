import { SECOND } from '../platform/units.ts';
import { tokenValueOf } from './queue-keys.ts';
import type { QueueMessage } from './queue-message.ts';
import { type QueueEndReason, QueueToken, type QueueTokenStatus } from './queue-token.ts';

/** What `view` in token.lua answers, in its order. */
export type RawView = [
  secret: string,
  userId: string,
  status: 'W' | 'A' | 'C' | 'E' | 'L',
  lane: string,
  number: number,
  enteredAt: string | number,
  activatedAt: string | number,
  activeUntil: number,
  endReason: QueueEndReason | '',
  position: number,
  waiting: number,
  etaMs: number,
  now: number,
  awayMs: number,
];

/** One token as Redis knew it. */
export interface TokenView {
  /** When, in milliseconds since 1970 on Redis' clock. */
  readonly at: number;
  readonly lane: string;
  readonly number: number;
  readonly token: QueueToken;
}

const STATUS: Record<RawView[2], QueueTokenStatus> = {
  W: 'WAITING',
  A: 'ACTIVE',
  C: 'COMPLETED',
  E: 'EXPIRED',
  L: 'LEFT',
};

export function readView(queueId: string, raw: RawView): TokenView {
  const [secret, userId, status, lane, number, enteredAt, activatedAt, activeUntil, endReason] = raw;
  const [position, waiting, etaMs, at, awayMs] = raw.slice(9) as [number, number, number, number, number];
  const token = Object.assign(new QueueToken(), {
    value: tokenValueOf(queueId, secret),
    queueId,
    userId,
    status: STATUS[status],
    enteredAt: new Date(Number(enteredAt)),
    activatedAt: activatedAt === '' ? null : new Date(Number(activatedAt)),
    activeUntil: status === 'A' ? new Date(Number(activeUntil)) : null,
    endReason: endReason === '' ? null : endReason,
    ...placeOf({ position: position > 0 ? position : null, waiting, etaMs, awayMs }),
  });
  return { at: Number(at), lane, number: Number(number), token };
}

/**
 * The view moved to where a later message puts it.
 * @param position null while the queue is SCHEDULED
 */
export function moveView(view: TokenView, message: QueueMessage, position: number | null, now: number): TokenView {
  const { msPerPlace, openAt, awayMs } = message;
  // Whoever entered since the message is not counted in it.
  const waiting = Math.max(message.waiting, position ?? 0);
  const paceMs = position !== null && msPerPlace > 0 ? position * msPerPlace : -1;
  const etaMs = position === null ? Math.max(0, openAt - now) : paceMs;
  const token = Object.assign(new QueueToken(), view.token, placeOf({ position, waiting, etaMs, awayMs }));
  return { ...view, at: message.at, token };
}

type Place = Pick<QueueToken, 'position' | 'etaSeconds' | 'waiting' | 'percentBehind' | 'pollAfterMs'>;

interface Standing {
  /** Null unless WAITING in a queue that has opened. */
  readonly position: number | null;
  readonly waiting: number;
  /** Estimated milliseconds to admission, or to the opening; negative while unknown. */
  readonly etaMs: number;
  /** How long a holder may be neither seen nor heard, in milliseconds. */
  readonly awayMs: number;
}

/** The fields of a token that say where it stands. */
function placeOf({ position, waiting, etaMs, awayMs }: Standing): Place {
  const etaSeconds = etaMs < 0 ? null : Math.ceil(etaMs / SECOND);
  const behind = position === null || waiting === 0 ? 0 : (100 * (waiting - position)) / waiting;
  return {
    ...{ position, waiting, etaSeconds },
    percentBehind: position === null ? null : Math.max(0, behind),
    pollAfterMs: pollAfter(position, etaMs, awayMs),
  };
}

/**
 * A poll is wanted often where the turn or the opening is near, and seldom at the back; but always often enough for
 * whoever polls not to count as away.
 */
const POLL_MS = { least: SECOND, most: 10 * SECOND, perPlace: 10 } as const;

function pollAfter(position: number | null, etaMs: number, awayMs: number): number {
  const wanted = position === null ? etaMs : POLL_MS.least + POLL_MS.perPlace * (position - 10);
  const most = awayMs > 0 ? Math.min(POLL_MS.most, Math.floor(awayMs / 3)) : POLL_MS.most;
  return Math.min(most, Math.max(POLL_MS.least, Math.ceil(wanted)));
}

export function hasEnded(token: QueueToken): boolean {
  return token.status !== 'WAITING' && token.status !== 'ACTIVE';
}
