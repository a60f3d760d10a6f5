import { setTimeout as sleep } from 'node:timers/promises';
import type { EntityManager } from '@mikro-orm/core';
import { Field, ID, InputType, Int } from 'type-graphql';
import { type Context, callerOf, isOver } from '../api/context.ts';
import { idempotencyKeyOf, idOf, textOf, within } from '../api/input.ts';
import { CallerError, keptRefusal, restoreRefusal } from '../api/problems.ts';
import type { IdempotencyKey, KeptAnswer } from '../legacy/idempotency.ts';
import { lockFreeSeats, lockUserAndShow } from '../legacy/lock-order.ts';
import { once } from '../legacy/once.ts';
import { newId } from '../platform/ids.ts';
import { perProcess } from '../platform/platform.ts';
import { transact } from '../platform/transact.ts';
import { SECOND } from '../platform/units.ts';
import { WorkByKey } from '../platform/work-by-key.ts';
import { chooseSeats } from './choose-seats.ts';
import { type Held, holdSeats } from './hold-seats.ts';
import { judgeSale, lookAtSeats } from './look-at-seats.ts';
import { findReservation } from './read-reservations.ts';
import type { Reservation } from './reservation.ts';
import { type ReserveRefusal, SaleClosed, SeatsUnavailable, seatsUnavailable } from './reserve-problems.ts';
import { announceHold } from './reserve-seats.ts';

@InputType({
  description:
    'The server picks `count` seats together, best first, from `section` if given. Fewer free than `count`: SeatsUnavailable without ids',
})
export class ReserveBestInput {
  @Field(() => ID)
  showId!: string;

  @Field(() => Int)
  count!: number;

  @Field(() => String, { nullable: true })
  section?: string | null;

  @Field(() => ID, { nullable: true, description: 'With a key, asking again answers the same Reservation' })
  idempotencyKey?: string | null;
}

interface Wish {
  readonly userId: string;
  readonly showId: string;
  readonly count: number;
  readonly section: string | null;
}

/** How long one looks for seats that others are not just taking. */
const MOST_SEARCH_MS = 1.5 * SECOND;

/** In one process, wishes for one show are met one after another, so that they do not reach for the same seats. */
const picks = perProcess(() => new WorkByKey());

/**
 * Holds the best `count` seats that are free: together where that is possible, else in the smallest number of groups.
 * @returns a Reservation; SaleClosed, TOO_MANY_SEATS, SeatsUnavailable without ids; with a key used for other input
 * IDEMPOTENCY_CONFLICT
 */
export async function reserveBest(context: Context, input: ReserveBestInput): Promise<Reservation | ReserveRefusal> {
  const wish = wishOf(context, input);
  const key = keyOf(wish, input.idempotencyKey);
  const work = async (): Promise<Held | Reservation | ReserveRefusal> => {
    if (isOver(context)) throw new CallerError('SERVICE_UNAVAILABLE');
    return transact(context.em, (em) =>
      key ? reserveOnce(context, em, wish, key) : pickAndHold(context, em, wish, newId()),
    );
  };
  const answer = await picks(context.platform).run(wish.showId, work);
  return 'reservation' in answer ? announceHold(context, answer) : answer;
}

function wishOf(context: Context, input: ReserveBestInput): Wish {
  const section = typeof input.section === 'string' ? textOf('section', input.section, 0, 100) : null;
  const count = within('count', input.count, 1, 1_000);
  return { userId: callerOf(context).id, showId: idOf('showId', input.showId), count, section };
}

function keyOf({ userId, ...input }: Wish, key: string | null | undefined): IdempotencyKey | undefined {
  if (typeof key !== 'string') return undefined;
  return { userId, mutation: 'reserveBest', key: idempotencyKeyOf(key), input };
}

async function reserveOnce(
  context: Context,
  em: EntityManager,
  wish: Wish,
  key: IdempotencyKey,
): Promise<Held | Reservation | ReserveRefusal> {
  const reservationId = newId();
  return once<Held | Reservation | ReserveRefusal>(em, {
    key,
    presumed: { type: 'Reservation', id: reservationId },
    apply: async () => {
      const answer = await pickAndHold(context, em, wish, reservationId);
      return 'reservation' in answer ? { answer } : { answer, keep: keptRefusal(answer) };
    },
    replay: (kept) => replay(em, kept),
  });
}

async function replay(em: EntityManager, kept: KeptAnswer): Promise<Reservation | ReserveRefusal> {
  const reservation = kept.id === undefined ? undefined : await findReservation(em, kept.id);
  return reservation ?? restoreRefusal<ReserveRefusal>(kept, { SeatsUnavailable, SaleClosed });
}

async function pickAndHold(
  context: Context,
  em: EntityManager,
  wish: Wish,
  id: string,
): Promise<Held | ReserveRefusal> {
  const { userId, showId, count, section } = wish;
  const { SEATS_PER_USER, HOLD_SECONDS } = context.platform.config;
  await lockUserAndShow(em, userId, showId);
  const refusal = judgeSale(await lookAtSeats(em, { userId, showId, seatIds: [] }), count, SEATS_PER_USER);
  if (refusal) return refusal;
  for (const until = Date.now() + MOST_SEARCH_MS; Date.now() < until; await sleep(5 + Math.random() * 10)) {
    const seatIds = await chooseSeats(em, showId, section, count);
    if (!seatIds) return seatsUnavailable([]);
    const locked = await lockFreeSeats(em, seatIds);
    if (locked.length < count) continue;
    const asked = { userId, showId, seatIds: locked };
    const { taken } = await lookAtSeats(em, asked);
    if (taken.length === 0) return holdSeats(em, { id, asked, pass: context.pass }, HOLD_SECONDS);
  }
  throw new CallerError('SERVICE_UNAVAILABLE');
}
