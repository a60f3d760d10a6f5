import type { EntityManager } from '@mikro-orm/core';
import type { Pass } from '../api/context.ts';
import { CallerError } from '../api/problems.ts';
import { lockFreeSeats, lockFreeUsersAndShow } from '../legacy/lock-order.ts';
import { BatchByKey, type Outcome } from '../platform/batch-by-key.ts';
import { isUnavailable } from '../platform/faults.ts';
import { forkOf, type Platform, perProcess } from '../platform/platform.ts';
import { transact } from '../platform/transact.ts';
import { type Held, holdWishes } from './hold-seats.ts';
import { type Asked, judge, lookAtWishes, type SeatFacts } from './look-at-seats.ts';
import type { ReserveRefusal } from './reserve-problems.ts';

/** Somebody's wish for seats. */
export interface Wish {
  readonly asked: Asked;
  readonly pass: Pass | null;
  /** Whether nobody waits for the answer any more: then nothing is held. */
  readonly isOver: () => boolean;
}

/** A new hold, the id of the caller's live reservation of the same seats, or a refusal. */
export type Verdict = Held | string | ReserveRefusal;

/** What became of wishes. Who is not among them is left to ask alone. */
type Outcomes = Map<Wish, Outcome<Verdict>>;

/** Wishes met in one transaction: many, so that a crowd shares commits; not so many that their seats stay locked for long. */
const MOST_AT_ONCE = 50;

const batches = perProcess(
  (platform) =>
    new BatchByKey<Wish, Verdict | undefined>(MOST_AT_ONCE, async (_showId, wishes) => {
      const outcomes = await meetTogether(platform, wishes);
      return wishes.map((wish) => outcomes.get(wish) ?? (wish.isOver() ? tooLate() : { value: undefined }));
    }),
);

/**
 * Holds seats in one transaction with whatever else is asked for of the show in this process at the same time. It waits for no
 * lock, so that nobody waits for what somebody else wants.
 * @returns undefined when nothing was decided, because others are at the same seats: to be asked for alone
 * @throws CallerError BAD_USER_INPUT for seats that the show does not have
 */
export function reserveTogether(platform: Platform, wish: Wish): Promise<Verdict | undefined> {
  return batches(platform).do(wish.asked.showId, wish);
}

async function meetTogether(platform: Platform, wishes: readonly Wish[]): Promise<Outcomes> {
  const present = stillWanted(wishes);
  const outcomes = await refuse(platform, present);
  // The look may have taken long; what has not begun when nobody waits for it any more must not begin.
  const open = stillWanted(present.filter((wish) => !outcomes.has(wish)));
  const apart = withoutRivals(open);
  add(outcomes, await holdApart(platform, apart));
  const rivals = open.filter((wish) => !apart.includes(wish));
  // What is held by now is held, whatever becomes of those who were too late for it.
  add(outcomes, await refuse(platform, rivals).catch((error: unknown) => allFail(rivals, error)));
  return outcomes;
}

function stillWanted(wishes: readonly Wish[]): Wish[] {
  return wishes.filter(({ isOver }) => !isOver());
}

function tooLate(): Outcome<Verdict | undefined> {
  return { error: new CallerError('SERVICE_UNAVAILABLE') };
}

function allFail(wishes: readonly Wish[], error: unknown): Outcomes {
  return new Map(wishes.map((wish) => [wish, { error }]));
}

/** Judges wishes as things stand, without locks. @returns what is decided: who may have the seats is left out */
async function refuse(platform: Platform, wishes: readonly Wish[]): Promise<Outcomes> {
  const facts = await lookAt(forkOf(platform), wishes);
  const outcomes: Outcomes = new Map();
  for (const wish of wishes) {
    const outcome = outcomeOf(platform, wish, facts.get(wish.asked), 0);
    if (outcome) outcomes.set(wish, outcome);
  }
  return outcomes;
}

function lookAt(em: EntityManager, wishes: readonly Wish[]): Promise<Map<Asked, SeatFacts>> {
  return lookAtWishes(
    em,
    wishes.map(({ asked }) => asked),
  );
}

/** @param granted seats that the user gets in the same step. @returns undefined for whoever may have the seats */
function outcomeOf(
  { config }: Platform,
  { asked }: Wish,
  facts: SeatFacts | undefined,
  granted: number,
): Outcome<Verdict> | undefined {
  if (!facts) return undefined;
  try {
    const value = judge({ ...facts, mine: facts.mine + granted }, asked.seatIds, config.SEATS_PER_USER);
    return value === undefined ? undefined : { value };
  } catch (error) {
    if (error instanceof CallerError) return { error };
    throw error;
  }
}

/** The first for each seat. */
function withoutRivals(wishes: readonly Wish[]): Wish[] {
  const claimed = new Set<string>();
  return wishes.filter(({ asked: { seatIds } }) => {
    if (seatIds.some((id) => claimed.has(id))) return false;
    for (const id of seatIds) claimed.add(id);
    return true;
  });
}

/** Holds what nobody else has locked. A fault undoes all of it; each then asks alone, so that only one at fault suffers. */
async function holdApart(platform: Platform, wishes: readonly Wish[]): Promise<Outcomes> {
  if (wishes.length === 0) return new Map();
  try {
    return await transact(forkOf(platform), async (em) => holdLocked(platform, em, await lockFree(em, wishes)));
  } catch (error) {
    if (isUnavailable(error)) return allFail(wishes, error);
    platform.log.warn({ error: String(error) }, 'seats that were asked for together are asked for one by one');
    return new Map();
  }
}

async function holdLocked(platform: Platform, em: EntityManager, wishes: readonly Wish[]): Promise<Outcomes> {
  const facts = await lookAt(em, wishes);
  const outcomes: Outcomes = new Map();
  const granted = new Map<string, number>();
  const free: Wish[] = [];
  for (const wish of wishes) {
    const { userId, seatIds } = wish.asked;
    const before = granted.get(userId) ?? 0;
    const outcome = outcomeOf(platform, wish, facts.get(wish.asked), before);
    if (outcome) outcomes.set(wish, outcome);
    else {
      free.push(wish);
      granted.set(userId, before + seatIds.length);
    }
  }
  if (free.length === 0) return outcomes;
  const held = await holdWishes(em, free, platform.config.HOLD_SECONDS);
  for (const [index, value] of held.entries()) outcomes.set(free[index] as Wish, { value });
  return outcomes;
}

/** Locks users' limits, then seats, as far as they are free. @returns the wishes of which all is locked */
async function lockFree(em: EntityManager, wishes: readonly Wish[]): Promise<Wish[]> {
  const showId = wishes[0]?.asked.showId ?? '';
  const userIds = [...new Set(wishes.map(({ asked }) => asked.userId))];
  const users = new Set(await lockFreeUsersAndShow(em, userIds, showId));
  const ofThem = wishes.filter(({ asked }) => users.has(asked.userId));
  const seatIds = ofThem.flatMap(({ asked }) => asked.seatIds);
  const seats = new Set(await lockFreeSeats(em, seatIds));
  return ofThem.filter(({ asked }) => asked.seatIds.every((id) => seats.has(id)));
}

function add(outcomes: Outcomes, more: Outcomes): void {
  for (const [wish, outcome] of more) outcomes.set(wish, outcome);
}
