import { hash, randomBytes } from 'node:crypto';
import { Field, Float, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { DateTime } from '../api/scalars.ts';
import { parseId } from '../platform/ids.ts';
import type { Platform } from '../platform/platform.ts';
import { SECOND } from '../platform/units.ts';
import { findQueue } from './find-queue.ts';
import type { QueueMessage } from './line/line.ts';
import { Queue } from './queue.ts';

export const QueueTokenStatus = {
  WAITING: 'WAITING',
  ACTIVE: 'ACTIVE',
  COMPLETED: 'COMPLETED',
  EXPIRED: 'EXPIRED',
  LEFT: 'LEFT',
} as const;
export type QueueTokenStatus = keyof typeof QueueTokenStatus;
registerEnumType(QueueTokenStatus, {
  name: 'QueueTokenStatus',
  description: 'Where a place in a queue stands',
  valuesConfig: {
    WAITING: { description: 'The holder waits for admission' },
    ACTIVE: { description: 'The holder is admitted: @queued fields are served until `activeUntil`' },
    COMPLETED: { description: 'The holder paid: the place is used up' },
    EXPIRED: {
      description:
        'The active time ran out, the holder was away too long, the place was revoked or the queue was closed; `endReason` says which',
    },
    LEFT: { description: 'The holder gave the place up' },
  },
});

export const QueueEndReason = {
  PAID: 'PAID',
  LEFT: 'LEFT',
  ACTIVE_TIME_OVER: 'ACTIVE_TIME_OVER',
  AWAY: 'AWAY',
  REVOKED: 'REVOKED',
  QUEUE_CLOSED: 'QUEUE_CLOSED',
} as const;
export type QueueEndReason = keyof typeof QueueEndReason;
registerEnumType(QueueEndReason, {
  name: 'QueueEndReason',
  description: 'Why a place in a queue ended',
  valuesConfig: {
    PAID: { description: 'The holder paid: COMPLETED' },
    LEFT: { description: 'The holder gave the place up: LEFT' },
    ACTIVE_TIME_OVER: { description: '`activeUntil` came without a payment: EXPIRED' },
    AWAY: { description: 'The holder had neither polled nor subscribed for `awaySeconds` when the turn came: EXPIRED' },
    REVOKED: { description: 'An operator ended the place: EXPIRED' },
    QUEUE_CLOSED: { description: 'The queue was closed while the holder was WAITING: EXPIRED' },
  },
});

@ObjectType({
  simpleResolvers: true,
  description: `A place in a queue. One user has at most one WAITING or ACTIVE token in a queue, on all devices. A new place is
always WAITING: the queue admits people about four times a second. In a SCHEDULED queue position and percentBehind are null, and
etaSeconds runs to opensAt at least. When a queue is CLOSED, those WAITING become EXPIRED (QUEUE_CLOSED) and those ACTIVE keep
their time; a lower capacity ends no place. A place that goes to the back (\`Queue.reenter\`) keeps its value. A hold made with the
token moves activeUntil to the end of the hold, at most \`Settings.holdSeconds\` past its first end. Leaving and revoking release
what is held with the token. A token that has ended can be read for an hour`,
})
export class QueueToken {
  @Field(() => ID, {
    description:
      'Public id of the place, the same wherever it is answered, as in QueueShuffle.order: lower-case hex SHA-256 of `value`. It gives no access',
  })
  get id(): string {
    // Operators have it as the value.
    return VALUE.test(this.value) ? hashOf(this.value) : this.value;
  }

  @Field(() => ID, {
    description:
      'The token itself, a secret of at least 128 random bits: sent as header `x-queue-token` with what it opens, and over a WebSocket as `connectionParams.queueToken`',
  })
  value!: string;

  @Field(() => ID, { description: 'Id of the queue' })
  queueId!: string;

  @Field(() => ID, { description: 'Id of the holder' })
  userId!: string;

  @Field(() => QueueTokenStatus, { description: 'Where the place stands' })
  status!: QueueTokenStatus;

  @Field(() => Int, {
    nullable: true,
    description:
      'Place in the order of admission, people with priority codes counted in: 1 is next. Null unless WAITING in a queue that has opened',
  })
  position!: number | null;

  @Field(() => Int, {
    nullable: true,
    description: 'Estimated seconds to admission; null when not WAITING or not yet known',
  })
  etaSeconds!: number | null;

  @Field(() => Int, { description: 'How many people are WAITING in the queue' })
  waiting!: number;

  @Field(() => Float, {
    nullable: true,
    description:
      'How much of the queue is behind the holder, in percent: 100 x (waiting - position) / waiting. Null unless WAITING',
  })
  percentBehind!: number | null;

  @Field(() => Int, {
    description: 'When a polling client should ask again, in milliseconds: short near the front, long at the back',
  })
  pollAfterMs!: number;

  @Field(() => DateTime, { description: 'When the holder entered' })
  enteredAt!: Date;

  @Field(() => DateTime, { nullable: true, description: 'When the holder was admitted; null before' })
  activatedAt!: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'When the active time ends; null unless ACTIVE' })
  activeUntil!: Date | null;

  @Field(() => QueueEndReason, { nullable: true, description: 'Why the place is gone; null while WAITING or ACTIVE' })
  endReason!: QueueEndReason | null;

  @Field(() => DateTime, {
    nullable: true,
    description:
      'When it became COMPLETED, EXPIRED or LEFT; null before, and for a token that ended before this was kept',
  })
  endedAt!: Date | null;

  @Field(() => Int, {
    nullable: true,
    description:
      'How far off etaSeconds usually is: the median error of the estimates given to those admitted in the last 5 minutes; null when none, and where etaSeconds counts to no admission',
  })
  etaErrorSeconds!: number | null;

  @Field(() => DateTime, {
    nullable: true,
    description: `While WAITING: until when, to the second, the place is kept though its holder neither polls nor subscribes any more; awaySeconds after the
holder was seen last. Each answer to the holder moves it; before the opening it counts from opensAt. Afterwards the place is passed over when its turn comes, not before; time while the
queue is PAUSED does not count. null unless WAITING`,
  })
  validUntil!: Date | null;

  /** Version of the queue's settings when the token was read. */
  settings!: number;

  /** The queue with settings of at least that version. */
  findQueue!: (settings: number) => Queue | Promise<Queue>;

  @Field(() => Queue, {
    description: 'The queue that the place is in; its `state` and `opensAt` say why nothing moves',
  })
  get queue(): Queue | Promise<Queue> {
    return this.findQueue(this.settings);
  }

  @Field(() => String, {
    description: `Opaque; changes exactly when the token has: status, position, etaSeconds, waiting, the settings of its queue and what follows from them. It is the
same on every process, and does not change with validUntil, nor while etaSeconds counts down to opensAt`,
  })
  get version(): string {
    const { status, position, etaSeconds, etaErrorSeconds, waiting, endReason, settings } = this;
    const instants = [this.activatedAt, this.activeUntil, this.endedAt];
    const eta = position === null ? null : etaSeconds;
    const shown = [status, position, eta, etaErrorSeconds, waiting, endReason, settings, ...instants];
    return hash('sha256', JSON.stringify(shown), 'base64url').slice(0, PART);
  }

  get hasEnded(): boolean {
    return this.status !== 'WAITING' && this.status !== 'ACTIVE';
  }
}

const SECRET_BYTES = 16;
const PART = 22;
const VALUE = /^[\w-]{44}$/;

/** A new secret of a token: 128 random bits. */
export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

/** A token's value: which queue it belongs to, then its secret. */
export function tokenValueOf(queueId: string, secret: string): string {
  return Buffer.from(queueId.replaceAll('-', ''), 'hex').toString('base64url') + secret;
}

/** The queue that a token's value belongs to; undefined for text that cannot be a value. */
export function queueIdOf(value: string): string | undefined {
  if (!VALUE.test(value)) return undefined;
  const hex = Buffer.from(value.slice(0, PART), 'base64url').toString('hex');
  const id = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  return parseId(id);
}

/** A token's public id: SHA-256 of its value, lower-case hex. It gives no access. */
export function hashOf(value: string): string {
  return hash('sha256', value);
}

/**
 * A token's id in Redis: 124 bits of its hash. The first 4 hex digits name the hash, one of 65,536, in which a WAITING
 * token is stored together with others (token.lua); the rest is base64url.
 */
export function tokenIdOf(tokenHash: string): string {
  return tokenHash.slice(0, 4) + Buffer.from(tokenHash.slice(4, 32), 'hex').toString('base64url');
}

/** The result of `view` in token.lua, in its order. */
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
  endedAt: string | number,
  keptMs: number,
  etaErrorMs: number,
  settings: number,
];

/** One token as Redis had it at an instant. */
export interface TokenView {
  /** The instant, in milliseconds since 1970 on Redis' clock. */
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

export function readView(platform: Platform, queueId: string, raw: RawView): TokenView {
  const [secret, userId, status, lane, number, enteredAt, activatedAt, activeUntil, endReason, ...rest] = raw;
  const [position, waiting, etaMs, now, awayMs, endedAt, keptMs, etaErrorMs, settings] = rest;
  const at = Number(now);
  const token = Object.assign(new QueueToken(), {
    value: tokenValueOf(queueId, secret),
    queueId,
    userId,
    status: STATUS[status],
    enteredAt: new Date(Number(enteredAt)),
    activatedAt: instantOf(activatedAt),
    activeUntil: status === 'A' ? new Date(Number(activeUntil)) : null,
    endReason: endReason === '' ? null : endReason,
    endedAt: instantOf(endedAt),
    validUntil: keptMs < 0 ? null : new Date(at + keptMs),
    settings,
    findQueue: (version: number) => findQueue(platform, queueId, version),
    ...placeOf({ position: position > 0 ? position : null, waiting, etaMs, etaErrorMs, awayMs }),
  });
  return { at, lane, number: Number(number), token };
}

function instantOf(ms: string | number): Date | null {
  return ms === '' ? null : new Date(Number(ms));
}

/**
 * The view at a later message, of a holder who is there.
 * @param position the token's position by that message; null while the queue is SCHEDULED
 * @param now milliseconds since 1970 on Redis' clock
 */
export function moveView(view: TokenView, message: QueueMessage, position: number | null, now: number): TokenView {
  const { msPerPlace, openAt, awayMs, etaErrorMs, settings } = message;
  // Entries after the message are not counted in it.
  const waiting = Math.max(message.waiting, position ?? 0);
  const paceMs = position !== null && msPerPlace > 0 ? Math.floor(position * msPerPlace) : -1;
  const etaMs = position === null ? Math.max(0, openAt - now) : paceMs;
  const place = placeOf({ position, waiting, etaMs, etaErrorMs, awayMs });
  const validUntil = new Date(now + (position === null ? etaMs : 0) + awayMs);
  const token = Object.assign(new QueueToken(), view.token, place, { validUntil, settings });
  return { ...view, at: message.at, token };
}

type Place = Pick<
  QueueToken,
  'position' | 'etaSeconds' | 'etaErrorSeconds' | 'waiting' | 'percentBehind' | 'pollAfterMs'
>;

interface Standing {
  /** Null unless WAITING in a queue that has opened. */
  readonly position: number | null;
  readonly waiting: number;
  /** Estimated milliseconds to admission, or to the opening; negative while unknown. */
  readonly etaMs: number;
  /** Usual error of such an estimate, in milliseconds; negative while unknown. */
  readonly etaErrorMs: number;
  /** How long a holder may be absent, in milliseconds. */
  readonly awayMs: number;
}

/** The fields of a token that follow from its position. */
function placeOf({ position, waiting, etaMs, etaErrorMs, awayMs }: Standing): Place {
  const etaSeconds = etaMs < 0 ? null : Math.ceil(etaMs / SECOND);
  const isEstimated = position !== null && etaMs >= 0 && etaErrorMs >= 0;
  const behind = position === null || waiting === 0 ? 0 : (100 * (waiting - position)) / waiting;
  return {
    ...{ position, waiting, etaSeconds },
    etaErrorSeconds: isEstimated ? Math.round(etaErrorMs / SECOND) : null,
    percentBehind: position === null ? null : Math.max(0, behind),
    pollAfterMs: pollAfter(position, etaMs, awayMs),
  };
}

/**
 * Polls are short near the front and near the opening, long at the back, and always short enough not to count as away.
 * The next one comes after half of the time to the expected turn, where that is sooner: a holder who is admitted without
 * knowing it takes up a place, and admissions may go twice as fast as they did.
 */
const POLL_MS = { min: SECOND, max: 10 * SECOND, perPlace: 5 } as const;

function pollAfter(position: number | null, etaMs: number, awayMs: number): number {
  const byPlace = position === null ? etaMs : POLL_MS.min + POLL_MS.perPlace * (position - 10);
  const wanted = etaMs < 0 || position === null ? byPlace : Math.min(byPlace, etaMs / 2);
  const max = awayMs > 0 ? Math.min(POLL_MS.max, Math.floor(awayMs / 3)) : POLL_MS.max;
  return Math.min(max, Math.max(POLL_MS.min, Math.ceil(wanted)));
}
