import type { EntityManager } from '@mikro-orm/core';
import { Field, ID, InputType } from 'type-graphql';
import { type Context, callerOf, isOver } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { badInput, CallerError } from '../api/problems.ts';
import { publishSeats } from '../concerts/seat-change.ts';
import { lockSeats, lockUserAndShow } from '../legacy/lock-order.ts';
import { perProcess } from '../platform/platform.ts';
import { transact } from '../platform/transact.ts';
import { SECOND } from '../platform/units.ts';
import { WorkByKey } from '../platform/work-by-key.ts';
import { stretchToken } from '../queue/end-token.ts';
import { tokenRequired } from '../queue/require-pass.ts';
import { type Held, holdSeats } from './hold-seats.ts';
import { type Asked, judge, lookAtSeats } from './look-at-seats.ts';
import { findReservation } from './read-reservations.ts';
import { releaseHoldsOfToken } from './release-holds-of-token.ts';
import type { Reservation } from './reservation.ts';
import type { ReserveRefusal } from './reserve-problems.ts';
import { reserveTogether, type Verdict } from './reserve-together.ts';

@InputType({
  description: `1 .. SEATS_PER_USER seats, all held or none. Exactly the seats of one of my live holds: that Reservation, not prolonged. Any other overlap with taken
seats, mine or others': SeatsUnavailable naming them. More than SEATS_PER_USER of the show, held and bought together: TOO_MANY_SEATS, checked first`,
})
export class ReserveInput {
  @Field(() => ID)
  showId!: string;

  @Field(() => [ID])
  seatIds!: string[];
}

/** No limit per user can be higher, so that a longer list is not worth looking at. */
const MOST_IDS = 1_000;

/**
 * Holds all of the seats for HOLD_SECONDS, or none.
 * @returns the new Reservation, or the caller's live one of exactly these seats; SaleClosed, TOO_MANY_SEATS,
 * SeatsUnavailable
 * @throws CallerError BAD_USER_INPUT for no seats, the same one twice, ids that are none, seats of another show
 */
export async function reserveSeats(context: Context, input: ReserveInput): Promise<Reservation | ReserveRefusal> {
  const { platform, pass } = context;
  const asked = askedFor(context, input);
  const together = await reserveTogether(platform, { asked, pass, isOver: () => isOver(context) });
  const verdict = together ?? (await reserveAlone(context, asked));
  if (typeof verdict === 'string' || !('reservation' in verdict)) return answerOf(context, verdict);
  return announceHold(context, verdict);
}

/** Waits for whoever is at the seats. */
async function reserveAlone(context: Context, asked: Asked): Promise<Verdict> {
  const { SEATS_PER_USER, HOLD_SECONDS } = context.platform.config;
  const early = judge(await lookAtSeats(context.em, asked), asked.seatIds, SEATS_PER_USER);
  if (early !== undefined) return early;
  return inTurn(context, asked, async (em) => {
    await lockUserAndShow(em, asked.userId, asked.showId);
    await lockSeats(em, asked.seatIds);
    const judged = judge(await lookAtSeats(em, asked), asked.seatIds, SEATS_PER_USER);
    return judged ?? holdSeats(em, { asked, pass: context.pass }, HOLD_SECONDS);
  });
}

/** What one user asks for one show at once goes one after another, before a connection is taken. */
const turns = perProcess(() => new WorkByKey());

function inTurn<T>(context: Context, { userId, showId }: Asked, work: (em: EntityManager) => Promise<T>): Promise<T> {
  return turns(context.platform).run(`${userId} ${showId}`, async () => {
    if (isOver(context)) throw new CallerError('SERVICE_UNAVAILABLE');
    return transact(context.em, work);
  });
}

/**
 * After the commit: tells who watches the seats, and lets the queue token last as long as the hold.
 * @throws CallerError QUEUE_TOKEN_REQUIRED when the token ended while the seats were being held: then they are free again
 */
export async function announceHold(context: Context, { reservation, seats }: Held): Promise<Reservation> {
  const { platform, pass } = context;
  publishSeats(platform, seats);
  if (!pass) return reservation;
  const holdMs = platform.config.HOLD_SECONDS * SECOND;
  const isActive = await stretchToken(platform, pass, holdMs, holdMs).catch((error: unknown) => {
    platform.log.warn({ error: String(error) }, 'a token was not stretched to the end of its hold');
    return true;
  });
  if (isActive) return reservation;
  await releaseHoldsOfToken(platform, pass.tokenHash);
  throw await tokenRequired(platform, pass.queueId);
}

function askedFor(context: Context, input: ReserveInput): Asked {
  const { length } = input.seatIds;
  if (length < 1 || length > MOST_IDS) throw badInput(`seatIds must have from 1 to ${MOST_IDS} seats.`);
  const seatIds = input.seatIds.map((id) => idOf('seatIds', id)).sort();
  if (new Set(seatIds).size < length) throw badInput('seatIds names a seat twice.');
  return { userId: callerOf(context).id, showId: idOf('showId', input.showId), seatIds };
}

async function answerOf(context: Context, judged: string | ReserveRefusal): Promise<Reservation | ReserveRefusal> {
  if (typeof judged !== 'string') return judged;
  const reservation = await findReservation(context.em, judged);
  if (!reservation) throw new Error('a reservation with live holds is missing');
  return reservation;
}
