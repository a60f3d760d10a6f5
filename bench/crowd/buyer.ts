import { EnterQueueDocument, type QueueTokenStatus, SignInDocument, SignUpDocument } from '../../web/gql/graphql.ts';
import { type Ask, AskError, type Who } from './ask.ts';
import type { Gate } from './gate.ts';
import { between, isAmong, RUSH_SECONDS, sleep } from './pace.ts';
import { Place } from './place.ts';
import { buySeats } from './shop.ts';
import type { Stage, Tally } from './tally.ts';

/** One invented buyer, and what it needs to go shopping. */
export interface Buyer {
  readonly name: string;
  readonly gate: Gate;
  readonly ask: Ask;
  readonly tally: Tally;
  readonly stop: AbortSignal;
  /** Milliseconds until it comes to the gate; negative when it is late. */
  readonly arriveInMs: () => number;
  readonly onSignedUp: () => void;
}

/** Shares of the crowd that do not just buy. A dawdler keeps others out for all of its active time: there are few. */
const IMPATIENT = 0.1;
const DAWDLERS = 0.02;
const HOUR = 3_600_000;

/** Seconds from being let in to the payment, about, as `buySeats` dawdles. */
const SHOPPING_SECONDS = 6;

/**
 * How long a crowd takes, about, in seconds: each buyer keeps a place among those who are let in, some for as long as they may,
 * and one of these may be the last.
 */
export function secondsOf(count: number, { capacity, activeSeconds }: Gate): number {
  const stay = SHOPPING_SECONDS + DAWDLERS * activeSeconds;
  return RUSH_SECONDS + (count * stay) / capacity + Math.min(1, count * DAWDLERS) * activeSeconds;
}

const STAGE: Record<QueueTokenStatus, Stage> = {
  WAITING: 'waiting',
  ACTIVE: 'active',
  COMPLETED: 'bought',
  LEFT: 'left',
  EXPIRED: 'ranOut',
};

/** One buyer's story: sign up, come to the gate, wait, buy or not. Never throws: what goes wrong is tallied. */
export async function goShopping(buyer: Buyer): Promise<void> {
  const { name, tally, stop } = buyer;
  try {
    const who = await signUp(buyer).finally(buyer.onSignedUp);
    await sleep(buyer.arriveInMs(), stop);
    if (stop.aborted) return;
    const place = await enter(buyer, who);
    if (!place) return tally.move(name, 'missed');
    try {
      await Promise.all([place.follow(stop), waitAndBuy(buyer, who, place)]);
    } finally {
      await place.leave();
    }
  } catch (error) {
    if (!stop.aborted) tally.complain(name, error);
  }
}

async function signUp({ name, ask }: Buyer): Promise<Who> {
  const variables = { input: { name, password: 'correct horse battery' } };
  const { signUp: made } = await ask(SignUpDocument, variables);
  // Asked twice because the first answer was lost: the name is our own.
  const isOwn = made.__typename === 'Refusal' && made.code === 'NAME_TAKEN';
  const session = isOwn ? (await ask(SignInDocument, variables)).signIn : made;
  if (session.__typename !== 'Session') throw new Error(`signUp: ${session.code}`);
  return { accessToken: session.accessToken };
}

async function enter({ name, gate, ask, tally }: Buyer, who: Who): Promise<Place | undefined> {
  const { enterQueue } = await ask(EnterQueueDocument, { input: { queueId: gate.queueId } }, who);
  if (enterQueue.__typename !== 'QueueToken') return undefined;
  tally.move(name, 'waiting');
  return new Place(enterQueue.value, ask, who, (status) => tally.move(name, STAGE[status]));
}

async function waitAndBuy(buyer: Buyer, who: Who, place: Place): Promise<void> {
  const { tally, stop } = buyer;
  const entered = Date.now();
  const patienceMs = isAmong(IMPATIENT) ? between(10_000, 90_000) : HOUR;
  await place.whileIs('WAITING', patienceMs, stop);
  if (place.status !== 'ACTIVE') return place.leave();
  tally.addWait(Date.now() - entered);
  if (isAmong(DAWDLERS)) {
    await place.whileIs('ACTIVE', HOUR, stop);
    return place.leave();
  }
  try {
    const seats = await buySeats(buyer, { ...who, queueToken: place.value });
    if (seats === 0) return place.leave();
    tally.addSeats(seats);
  } catch (error) {
    // Whoever was too slow is told by the place itself.
    if (!(error instanceof AskError && error.code === 'QUEUE_TOKEN_REQUIRED')) throw error;
  }
}
