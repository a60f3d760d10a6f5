import { tokenValueOf } from './queue-keys.ts';
import { type QueueEndReason, QueueToken, type QueueTokenStatus } from './queue-token.ts';

/** What `view` in line.lua answers, in its order. */
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
  const [
    secret,
    userId,
    status,
    lane,
    number,
    enteredAt,
    activatedAt,
    activeUntil,
    endReason,
    position,
    waiting,
    etaMs,
    at,
  ] = raw;
  const token = Object.assign(new QueueToken(), {
    value: tokenValueOf(queueId, secret),
    queueId,
    userId,
    status: STATUS[status],
    enteredAt: new Date(Number(enteredAt)),
    activatedAt: activatedAt === '' ? null : new Date(Number(activatedAt)),
    activeUntil: status === 'A' ? new Date(Number(activeUntil)) : null,
    endReason: endReason === '' ? null : endReason,
    ...placeOf(status === 'W' ? position : null, waiting, etaMs),
  });
  return { at: Number(at), lane, number: Number(number), token };
}

export type Place = Pick<QueueToken, 'position' | 'etaSeconds' | 'waiting' | 'percentBehind' | 'pollAfterMs'>;

/**
 * The fields of a token that say where it stands.
 * @param position null unless WAITING
 * @param etaMs estimated milliseconds to admission; negative while unknown
 */
export function placeOf(position: number | null, waiting: number, etaMs: number): Place {
  if (position === null) {
    return { position, waiting, etaSeconds: null, percentBehind: null, pollAfterMs: POLL_MS.least };
  }
  return {
    position,
    waiting,
    etaSeconds: etaMs < 0 ? null : Math.ceil(etaMs / 1_000),
    percentBehind: waiting > 0 ? Math.max(0, (100 * (waiting - position)) / waiting) : 0,
    pollAfterMs: pollAfter(position),
  };
}

/** A poll is wanted often where the turn is near, and seldom at the back. */
const POLL_MS = { least: 1_000, most: 10_000, perPlace: 10 } as const;

function pollAfter(position: number): number {
  return Math.min(POLL_MS.most, POLL_MS.least + POLL_MS.perPlace * Math.max(0, position - 10));
}

export function hasEnded(token: QueueToken): boolean {
  return token.status !== 'WAITING' && token.status !== 'ACTIVE';
}
