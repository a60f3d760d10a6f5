import type { EntityManager } from '@mikro-orm/core';
import { Field, ID, InputType } from 'type-graphql';
import { type Context, callerOf, type Pass } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { badInput, CallerError, notFound, refuse } from '../api/problems.ts';
import { limitOf, rowsOf, SEATS, showLock } from '../commands/lock-order.ts';
import { type Prepared, run, type Scene, type Verb } from '../commands/runner.ts';
import { readHolders, Seat } from '../concerts/seat.ts';
import { firstIdOf, newId } from '../platform/ids.ts';
import { forkOf, type Platform } from '../platform/platform.ts';
import { anyOf, prepared, readClock, sql } from '../platform/postgres.ts';
import { HOUR, SECOND } from '../platform/units.ts';
import { stretchToken } from '../queue/end-token.ts';
import { tokenRequired } from '../queue/require-pass.ts';
import { releaseHoldsOfToken } from './release-reservation.ts';
import { findReservation, Reservation, type ReserveRefusal, saleClosed, seatsUnavailable } from './reservation.ts';

@InputType({
  description: `Seats of one show, 1 .. \`Settings.seatsPerUser\`: all are held or none. Exactly the seats of a live hold of
the caller answer that Reservation, not prolonged; any other seat that is held or sold, by whomever, is \`SEATS_UNAVAILABLE\`.
More than \`Settings.seatsPerUser\` of the show, held and bought together, is \`TOO_MANY_SEATS\`, which is checked first.
Seats that the caller released are held no longer than they would have been`,
})
export class ReserveInput {
  @Field(() => ID, { description: 'Id of the show' })
  showId!: string;

  @Field(() => [ID], { description: 'Ids of the seats, each once' })
  seatIds!: string[];
}

/** Most seats of one request: no limit per user can be higher. */
const MAX_IDS = 1_000;

/** A user who wants seats of a show, with the pass for it. */
export interface Buyer {
  /** Id of the reservation that is made. */
  readonly reservationId: string;
  readonly userId: string;
  readonly showId: string;
  readonly pass: Pass | null;
}

interface Reserve extends Buyer {
  /** Sorted as text. */
  readonly seatIds: readonly string[];
}

/** The facts that decide, besides the seats themselves, whether a user may hold seats of a show. */
export interface SaleFacts {
  readonly salesOpenAt: Date;
  readonly salesCloseAt: Date;
  /** When the show was cancelled; null: it takes place. */
  readonly cancelledAt: Date | null;
  /** When the concert was withdrawn; null: it is shown. */
  readonly withdrawnAt: Date | null;
  /** Number of seats of the show that the user holds or has bought. */
  readonly has: number;
  /** What the user gave back of the show before its time; null for nothing. */
  readonly released: readonly Released[] | null;
}

/** Milliseconds by which ids, which processes make by their own clocks, may be older than the row's time says. */
const MAX_DRIFT_MS = HOUR;

/** A hold that was released, and when it would have ended. */
interface Released {
  readonly seatIds: readonly string[];
  /** An instant in ISO 8601. */
  readonly until: string;
}

const RESERVE: Verb<Reserve, Reservation | ReserveRefusal, undefined, SaleFacts> = {
  name: 'reserve',
  contends: ({ userId, showId, seatIds }) => [limitOf(userId, showId), ...seatIds.map((id) => `seat:${id}`)],
  prepare: refuseAtOnce,
  locks: ({ userId, showId, seatIds }) => ({
    shared: [showLock(showId)],
    limits: [limitOf(userId, showId)],
    rows: [rowsOf(SEATS, seatIds)],
  }),
  facts: readSaleFacts,

  decide({ asked, facts }, scene) {
    const seats = asked.seatIds.flatMap((id) => scene.find(SEATS, id) ?? []);
    const granted = scene.granted(limitOf(asked.userId, asked.showId));
    const judged = judge(scene.platform, asked, seats, { ...facts, has: facts.has + granted }, scene.now);
    if (judged === undefined) return holdSeats(asked, seats, facts, scene);
    if (typeof judged !== 'string') return judged;
    scene.after(() => readHeld(scene.platform, judged));
    return new Reservation();
  },
};

/**
 * Holds all of the seats for HOLD_SECONDS, or none; seats that the caller has released, until the end that they had.
 * @returns the new Reservation, or the caller's live reservation of exactly these seats; SaleClosed; SeatsUnavailable;
 * a Refusal TOO_MANY_SEATS or SHOW_CANCELLED
 * @throws CallerError BAD_USER_INPUT for an empty list, a seat named twice, malformed ids, and seats of another show;
 * QUEUE_TOKEN_REQUIRED when the token ended while the seats were being held: then they are free again
 */
export async function reserveSeats(context: Context, input: ReserveInput): Promise<Reservation | ReserveRefusal> {
  const { length } = input.seatIds;
  if (length < 1 || length > MAX_IDS) {
    throw badInput('input.seatIds', `must have from 1 to ${context.platform.config.SEATS_PER_USER} seats`);
  }
  const seatIds = input.seatIds.map((id, index) => idOf(`input.seatIds[${index}]`, id)).sort();
  if (new Set(seatIds).size < length) throw badInput('input.seatIds', 'names a seat twice');
  return run(context, RESERVE, {
    reservationId: newId(),
    userId: callerOf(context).id,
    showId: idOf('input.showId', input.showId),
    pass: context.pass,
    seatIds,
  });
}

/**
 * Reads the seats without locks: refuses commands whose seats another user has at this moment, and answers those that
 * repeat a live reservation of the caller.
 */
async function refuseAtOnce(
  platform: Platform,
  asked: readonly Reserve[],
): Promise<Prepared<undefined, Reservation | ReserveRefusal>[]> {
  const em = forkOf(platform);
  const rows = await sql<{ id: string }>(
    em,
    prepared(`select seat_id as id from hold where seat_id = ${anyOf(1)} and expires_at > clock_timestamp()
     union all select seat_id from ticket where seat_id = ${anyOf(1)}`),
    [asked.flatMap(({ seatIds }) => seatIds)],
  );
  const taken = new Set(rows.map(({ id }) => id));
  const late = asked.filter(({ seatIds }) => seatIds.some((id) => taken.has(id)));
  if (late.length === 0) return asked.map(() => OPEN);
  const seats = await em.find(
    Seat,
    { id: { $in: late.flatMap(({ seatIds }) => seatIds) } },
    { disableIdentityMap: true },
  );
  await readHolders(em, seats);
  const now = await readClock(em);
  const facts = await readSaleFacts(
    em,
    late.map((one) => ({ asked: one })),
    { platform, now },
  );
  const refused = new Map(
    await Promise.all(
      late.map(async (one, index) => {
        const wanted = seats.filter(({ id }) => one.seatIds.includes(id));
        return [one, await refuseOne(platform, one, wanted, facts[index] as SaleFacts, now)] as const;
      }),
    ),
  );
  return asked.map((one) => refused.get(one) ?? OPEN);
}

const OPEN = { known: undefined };

async function refuseOne(
  platform: Platform,
  asked: Reserve,
  seats: readonly Seat[],
  facts: SaleFacts,
  now: Date,
): Promise<Prepared<undefined, Reservation | ReserveRefusal>> {
  try {
    const judged = judge(platform, asked, seats, facts, now);
    if (judged === undefined) return OPEN;
    return { answer: typeof judged === 'string' ? await readHeld(platform, judged) : judged };
  } catch (error) {
    if (error instanceof CallerError) return { error };
    throw error;
  }
}

/**
 * Checks a command in the order of the contract.
 * @param seats the wanted seats that exist
 * @returns a refusal; the id of the caller's live reservation of exactly these seats; undefined when they may be held
 * @throws CallerError BAD_USER_INPUT for seats that the show does not have
 */
function judge(
  platform: Platform,
  { userId, showId, seatIds }: Reserve,
  seats: readonly Seat[],
  facts: SaleFacts,
  now: Date,
): ReserveRefusal | string | undefined {
  if (seats.length < seatIds.length || seats.some((seat) => seat.showId !== showId)) {
    throw badInput('input.seatIds', 'has seats that this show does not have');
  }
  const together = heldTogether(seats, userId, now);
  if (together !== undefined) return together;
  const refusal = judgeSale(platform, facts, seatIds.length, now);
  if (refusal) return refusal;
  const taken = seats.filter((seat) => !seat.isFree(now));
  return taken.length > 0 ? seatsUnavailable(taken.map(({ id }) => id)) : undefined;
}

/**
 * Checks that the show takes place, the sale is open and the limit is kept.
 * @returns a Refusal SHOW_CANCELLED or TOO_MANY_SEATS, SaleClosed, or undefined
 * @throws CallerError NOT_FOUND for a show of a concert that was withdrawn
 */
export function judgeSale(
  { config }: Platform,
  { salesOpenAt, salesCloseAt, cancelledAt, withdrawnAt, has }: SaleFacts,
  count: number,
  now: Date,
): ReserveRefusal | undefined {
  if (withdrawnAt !== null) throw notFound('show');
  if (cancelledAt !== null) return refuse('SHOW_CANCELLED');
  if (now < salesOpenAt || now >= salesCloseAt) return saleClosed(salesOpenAt, salesCloseAt);
  const { SEATS_PER_USER: most } = config;
  const sentence = `That is more seats of one date than one person can have: at most ${most}.`;
  return has + count > most ? refuse('TOO_MANY_SEATS', sentence) : undefined;
}

/** @returns the id of the user's live reservation that holds exactly these seats; undefined for none */
function heldTogether(seats: readonly Seat[], userId: string, now: Date): string | undefined {
  const holding = seats[0]?.holding;
  if (holding?.userId !== userId || holding.size !== seats.length) return undefined;
  return seats.every((seat) => seat.isHeldBy(holding.reservationId, now)) ? holding.reservationId : undefined;
}

/**
 * Reads, for each item, when the sale of its show is open, how many seats of the show its user has, and which the user has
 * given back. The user's reservations are found by the user and their age alone: a show has far more of them, and a user
 * may have had many before.
 */
export async function readSaleFacts(
  em: EntityManager,
  items: readonly { readonly asked: Buyer }[],
  { platform, now }: Pick<Scene, 'platform' | 'now'>,
): Promise<SaleFacts[]> {
  const limits = items.map(({ asked: { userId, showId } }) => limitOf(userId, showId));
  const distinct = [...new Map(items.map(({ asked }, index) => [limits[index], asked])).values()];
  const rows = await sql<SaleFacts & { name: string }>(
    em,
    prepared(`select u.user_id || ':' || u.show_id as name, sh.sales_open_at as "salesOpenAt", sh.sales_close_at as "salesCloseAt",
       sh.cancelled_at as "cancelledAt", c.withdrawn_at as "withdrawnAt",
       (select count(*) from hold h
          where h.show_id = u.show_id and h.user_id = u.user_id and h.expires_at > clock_timestamp())
         + (select count(*) from ticket t where t.show_id = u.show_id and t.user_id = u.user_id) as has,
       (select json_agg(json_build_object('seatIds', r.seat_ids, 'until', r.expires_at))
          from (select show_id, status, expires_at, seat_ids from reservation
                  where user_id = u.user_id and id >= $3 offset 0) r
          where r.show_id = u.show_id and r.status = 'RELEASED' and r.expires_at > clock_timestamp()) as released
     from unnest($1::uuid[], $2::uuid[]) as u (user_id, show_id) join show sh on sh.id = u.show_id join concert c on c.id = sh.concert_id`),
    [
      distinct.map(({ userId }) => userId),
      distinct.map(({ showId }) => showId),
      firstIdOf(new Date(now.getTime() - platform.config.HOLD_SECONDS * SECOND - MAX_DRIFT_MS)),
    ],
  );
  const facts = new Map(rows.map(({ name, ...sale }) => [name, sale]));
  return limits.map((limit) => {
    const found = facts.get(limit);
    if (!found) throw new Error('seats were asked for of a show that does not exist');
    return found;
  });
}

/**
 * Holds free seats, which must be locked, for HOLD_SECONDS, and extends the queue token to the end of the hold. Seats that
 * the user has released are held no longer than the hold that was released: else two turns of holding and releasing would
 * keep them from others for good.
 */
export function holdSeats(
  buyer: Buyer,
  seats: readonly Seat[],
  { released }: Pick<SaleFacts, 'released'>,
  scene: Scene,
): Reservation {
  const { platform, now } = scene;
  const { reservationId: id, userId, showId, pass } = buyer;
  const ends = (released ?? []).flatMap(({ seatIds, until }) =>
    seats.some((seat) => seatIds.includes(seat.id)) ? Date.parse(until) : [],
  );
  const expiresAt = new Date(Math.min(now.getTime() + platform.config.HOLD_SECONDS * SECOND, ...ends));
  const byNumber = seats.toSorted((a, b) => a.number - b.number);
  const reservation = Object.assign(new Reservation(), {
    id,
    userId,
    showId,
    seatIds: byNumber.map((seat) => seat.id),
    storedStatus: 'HELD',
    status: 'HELD',
    seatPrices: byNumber.map(({ price }) => price),
    amount: seats.reduce((sum, { price }) => sum + price, 0),
    cancelReason: null,
    endedAt: null,
    queueId: pass?.queueId ?? null,
    tokenHash: pass?.tokenHash ?? null,
    createdAt: now,
    expiresAt,
  });
  for (const seat of seats) seat.hold(reservation, now);
  scene.grant(limitOf(userId, showId), seats.length);
  scene.insert(reservation);
  if (pass) scene.after(() => stretchToHold(platform, pass, expiresAt.getTime() - now.getTime()));
  return reservation;
}

/**
 * Extends, after the commit, the queue token to the end of the hold.
 * @param leftMs milliseconds that the hold lasts
 * @throws CallerError QUEUE_TOKEN_REQUIRED when the token ended while the seats were being held: then they are free
 * again
 */
async function stretchToHold(platform: Platform, pass: Pass, leftMs: number): Promise<void> {
  const maxMs = platform.config.HOLD_SECONDS * SECOND;
  const isActive = await stretchToken(platform, pass, leftMs, maxMs).catch((error: unknown) => {
    platform.log.warn({ error: String(error) }, 'a token was not stretched to the end of its hold');
    return true;
  });
  if (isActive) return;
  await releaseHoldsOfToken(platform, pass.tokenHash);
  throw await tokenRequired(platform, pass.queueId);
}

async function readHeld(platform: Platform, id: string): Promise<Reservation> {
  const reservation = await findReservation(forkOf(platform), id);
  if (!reservation) throw new Error('a reservation with live holds is missing');
  return reservation;
}
