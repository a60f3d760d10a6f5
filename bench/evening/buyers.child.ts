// Buyers of one evening, in a process of their own: they wait as a client does, choose a seat, and pay for it.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { serveParent } from '../load/child.ts';
import { Asker, requestOf } from '../load/http-load.ts';
import { subscribe } from '../load/subscribe.ts';
import { cpuSeconds } from '../load/usage.ts';

/** All buyers enter the queue; every second one subscribes to the place, the others poll. Answered when all have entered. */
export interface Entering {
  readonly type: 'enter';
  readonly urls: readonly string[];
  readonly queueId: string;
  readonly concertId: string;
  readonly sections: readonly string[];
  readonly seats: number;
  readonly accessTokens: readonly string[];
}

/** Answered with `Evening` when all seats are sold or no buyer is left; after `maxMs` in any case. */
export interface Selling {
  readonly type: 'sell';
  readonly maxMs: number;
}

/** What an answer was to: times are counted for each. */
const VERBS = ['poll', 'dates', 'seats', 'reserve', 'charge', 'pay'] as const;
type Verb = (typeof VERBS)[number];

/** What came of the evening. */
export interface Evening {
  readonly sold: number;
  /** From the message `sell` to the last payment. */
  readonly seconds: number;
  /** Buyers whose purchase ended in what a client cannot mend, by what was answered. */
  readonly failed: Readonly<Record<string, number>>;
  /** SERVICE_UNAVAILABLE, and connections lost, by verb: each was asked again. */
  readonly askedAgain: Readonly<Record<string, number>>;
  /** Seats that somebody else had meanwhile. */
  readonly lostSeats: number;
  /** Milliseconds of each answer, by verb: the median, and what 99 of 100 took at most. */
  readonly times: Readonly<Record<Verb, { readonly count: number; readonly p50: number; readonly p99: number }>>;
  /** Processor time of this process, in seconds. */
  readonly cpu: number;
}

const ENTER = `mutation ($queueId: ID!) { answer: enterQueue(input: { queueId: $queueId }) {
  ... on QueueToken { value pollAfterMs } ... on Problem { code } } }`;
const PLACE = 'status position etaSeconds waiting pollAfterMs';
const WATCH = `subscription ($token: ID!) { queuePosition(token: $token) { ${PLACE} } }`;
const POLL = `query ($token: ID!) { answer: queueToken(value: $token) { ${PLACE} } }`;
const DATES = 'query ($id: ID!) { answer: availableDates(concertId: $id) { id date availableCount } }';
const SEATS = `query ($id: ID!, $date: LocalDate!, $section: String!) {
  answer: availableSeats(concertId: $id, date: $date, section: $section) { id label price } }`;
const RESERVE = `mutation ($show: ID!, $seat: ID!) { answer: reserve(input: { showId: $show, seatIds: [$seat] }) {
  ... on Reservation { id amount } ... on Problem { code } } }`;
const CHARGE = `mutation ($amount: Money!, $key: ID!) { answer: charge(input: { amount: $amount, idempotencyKey: $key }) {
  ... on LedgerEntry { id } ... on Problem { code } } }`;
const PAY = `mutation ($id: ID!, $key: ID!) { answer: pay(input: { reservationId: $id, idempotencyKey: $key }) {
  ... on Payment { status } ... on Problem { code } } }`;
const LEAVE = 'mutation ($token: ID!) { answer: leaveQueue(token: $token) { status } }';

const ENTERING_AT_ONCE = 128;
/** SERVICE_UNAVAILABLE is asked again a second later, and then more slowly. */
const MAX_TRIES = 5;
const AGAIN_MS = 1_000;
const ANSWER_MS = 30_000;

/** What a buyer cannot mend. */
class Failure extends Error {}

/** A buyer in the queue. */
interface Buyer {
  readonly url: string;
  readonly accessToken: string;
  readonly token: string;
}

interface Show {
  readonly id: string;
  readonly date: string;
}

let sale: Entering;
let hasEnded = false;
let sold = 0;
let lostSeats = 0;
let lastPaidAt = 0;
const failed: Record<string, number> = {};
const askedAgain: Record<string, number> = {};
const times = Object.fromEntries(VERBS.map((verb) => [verb, [] as number[]])) as Record<Verb, number[]>;
const soldOut = Promise.withResolvers<void>();
const purchases: Promise<void>[] = [];

/** Connections that are open and have nothing to do, by where they lead. A buyer takes any: none waits for one. */
const idle = new Map<string, Pooled[]>();

interface Pooled {
  readonly asker: Asker;
  settle: ((answer: { status: number; body: string } | Error) => void) | undefined;
}

function openTo(url: string): Pooled {
  const free = idle.get(url) ?? [];
  idle.set(url, free);
  const pooled: Pooled = {
    asker: new Asker(
      url,
      (status, body) => {
        const { settle } = pooled;
        pooled.settle = undefined;
        free.push(pooled);
        settle?.({ status, body });
      },
      (error) => {
        pooled.asker.close();
        const at = free.indexOf(pooled);
        if (at >= 0) free.splice(at, 1);
        pooled.settle?.(error);
      },
    ),
    settle: undefined,
  };
  return pooled;
}

function send(url: string, request: Buffer): Promise<{ status: number; body: string } | Error> {
  const pooled = idle.get(url)?.pop() ?? openTo(url);
  return new Promise((resolve) => {
    const tooLate = setTimeout(() => {
      pooled.settle = undefined;
      pooled.asker.close();
      resolve(new Error('no answer'));
    }, ANSWER_MS);
    pooled.settle = (answer) => {
      clearTimeout(tooLate);
      resolve(answer);
    };
    pooled.asker.ask(request);
  });
}

interface Question {
  readonly verb: Verb | 'enter' | 'leave';
  readonly query: string;
  readonly variables: object;
}

/** Asks, and again as the documents say. @throws Failure with the code of what cannot be mended */
async function ask<T>({ url, accessToken, token }: Partial<Buyer>, { verb, query, variables }: Question): Promise<T> {
  const headers = { authorization: `Bearer ${accessToken}`, ...(token && { 'x-queue-token': token }) };
  const request = requestOf(url ?? '', query, variables, headers);
  for (let tries = 1; ; tries++) {
    const askedAt = performance.now();
    const answer = await send(url ?? '', request);
    if (verb in times) times[verb as Verb].push(performance.now() - askedAt);
    const code = codeOf(answer);
    if (code === undefined)
      return (JSON.parse((answer as { body: string }).body) as { data: { answer: T } }).data.answer;
    const isAgain = code === 'SERVICE_UNAVAILABLE' || code === 'CONNECTION_LOST';
    if (!isAgain || tries === MAX_TRIES) throw new Failure(`${verb}: ${code}`);
    count(askedAgain, verb);
    await sleep(AGAIN_MS * tries);
  }
}

/** @returns nothing for an answer with data only */
function codeOf(answer: { status: number; body: string } | Error): string | undefined {
  if (answer instanceof Error) return 'CONNECTION_LOST';
  const { status, body } = answer;
  if (status === 200 && !body.includes('"errors"')) return undefined;
  return /"code":"([A-Z_]+)"/.exec(body)?.[1] ?? `HTTP ${status}`;
}

function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}

async function enterAll(entering: Entering): Promise<void> {
  sale = entering;
  const rest = [...entering.accessTokens.entries()].reverse();
  const enterSome = async (): Promise<void> => {
    for (let next = rest.pop(); next; next = rest.pop()) await enter(...next);
  };
  await Promise.all(Array.from({ length: ENTERING_AT_ONCE }, enterSome));
}

async function enter(index: number, accessToken: string): Promise<void> {
  const { urls, queueId } = sale;
  const url = urls[index % urls.length] as string;
  const entered = await ask<{ value?: string; pollAfterMs: number; code?: string }>(
    { url, accessToken },
    { verb: 'enter', query: ENTER, variables: { queueId } },
  );
  if (!entered.value) throw new Error(`nobody enters: ${entered.code}`);
  const buyer: Buyer = { url, accessToken, token: entered.value };
  // Processes in turn, and at each of them one watches and the next one polls.
  const isWatching = Math.floor(index / urls.length) % 2 === 0;
  const stay = isWatching ? await watch(buyer) : poll(buyer, entered.pollAfterMs);
  purchases.push(go(buyer, stay));
}

/** A place that is watched. */
interface Stay {
  /** Resolved when the holder is let in. */
  readonly admitted: Promise<void>;
  readonly end: () => void;
}

async function watch(buyer: Buyer): Promise<Stay> {
  const admitted = Promise.withResolvers<void>();
  admitted.promise.catch(() => undefined);
  const socket = await subscribe(
    {
      url: buyer.url,
      query: WATCH,
      onNext: (message) => {
        const status = /"status":"([A-Z]+)"/.exec(message.toString('latin1'))?.[1];
        if (status === 'ACTIVE') admitted.resolve();
        else if (status !== 'WAITING') admitted.reject(new Failure(`watch: ${status ?? message.toString()}`));
      },
      onClose: () => admitted.reject(new Failure('watch: closed')),
    },
    { accessToken: buyer.accessToken, variables: { token: buyer.token } },
  );
  return { admitted: admitted.promise, end: () => socket.close() };
}

function poll(buyer: Buyer, firstMs: number): Stay {
  const wait = async (): Promise<void> => {
    for (let afterMs = firstMs; ; ) {
      await sleep(afterMs, undefined, { ref: false });
      if (hasEnded) return;
      const question = { verb: 'poll', query: POLL, variables: { token: buyer.token } } as const;
      const place = await ask<{ status: string; pollAfterMs: number } | null>(buyer, question);
      if (place?.status === 'ACTIVE') return;
      if (place?.status !== 'WAITING') throw new Failure(`poll: ${place?.status}`);
      afterMs = place.pollAfterMs;
    }
  };
  return { admitted: wait(), end: () => undefined };
}

/** One buyer's evening from the queue on. Never throws: what went wrong is counted. */
async function go(buyer: Buyer, { admitted, end }: Stay): Promise<void> {
  try {
    await admitted;
    if (!hasEnded && !(await buy(buyer))) {
      await ask(buyer, { verb: 'leave', query: LEAVE, variables: { token: buyer.token } });
    }
  } catch (error) {
    if (!hasEnded) count(failed, error instanceof Failure ? error.message : String((error as Error).stack));
  } finally {
    end();
  }
}

/** @returns whether a seat was bought; there is none left otherwise. @throws Failure */
async function buy(buyer: Buyer): Promise<boolean> {
  const { concertId } = sale;
  const shows = await ask<Show[]>(buyer, { verb: 'dates', query: DATES, variables: { id: concertId } });
  const [show] = shows;
  if (!show) return false;
  for (const section of shuffled(sale.sections)) {
    const reservation = await reserveIn(buyer, show, section);
    if (!reservation) continue;
    const { id, amount } = reservation;
    const charge = { verb: 'charge', query: CHARGE, variables: { amount, key: randomUUID() } } as const;
    const charged = await ask<{ code?: string }>(buyer, charge);
    if (charged.code) throw new Failure(`charge: ${charged.code}`);
    const payment = { verb: 'pay', query: PAY, variables: { id, key: randomUUID() } } as const;
    const paid = await ask<{ status?: string; code?: string }>(buyer, payment);
    if (paid.status !== 'COMPLETED') throw new Failure(`pay: ${paid.code ?? paid.status}`);
    sold += 1;
    lastPaidAt = performance.now();
    if (sold === sale.seats) soldOut.resolve();
    return true;
  }
  return false;
}

/** Any free seat of the section; one that is lost to somebody else is followed by another. @returns nothing without any */
async function reserveIn(
  buyer: Buyer,
  { id: show, date }: Show,
  section: string,
): Promise<{ id: string; amount: number } | undefined> {
  for (;;) {
    const look = { verb: 'seats', query: SEATS, variables: { id: sale.concertId, date, section } } as const;
    const free = await ask<{ id: string }[]>(buyer, look);
    const seat = free[Math.floor(Math.random() * free.length)]?.id;
    if (seat === undefined || hasEnded) return undefined;
    const wish = { verb: 'reserve', query: RESERVE, variables: { show, seat } } as const;
    const reserved = await ask<{ id?: string; amount: number; code?: string }>(buyer, wish);
    if (reserved.id !== undefined) return { id: reserved.id, amount: reserved.amount };
    if (reserved.code !== 'SEATS_UNAVAILABLE') throw new Failure(`reserve: ${reserved.code}`);
    lostSeats += 1;
  }
}

function shuffled<T>(all: readonly T[]): T[] {
  const rest = [...all];
  for (let i = rest.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [rest[i], rest[j]] = [rest[j] as T, rest[i] as T];
  }
  return rest;
}

async function sell({ maxMs }: Selling): Promise<Evening> {
  const [began, cpuBefore] = [performance.now(), cpuSeconds(process.pid)];
  for (const of of Object.values(times)) of.length = 0;
  const timeIsUp = sleep(maxMs).then(() => count(failed, 'the time was up'));
  await Promise.race([soldOut.promise, Promise.all(purchases), timeIsUp]);
  hasEnded = true;
  return {
    ...{ sold, failed, askedAgain, lostSeats },
    seconds: ((lastPaidAt || performance.now()) - began) / 1_000,
    times: Object.fromEntries(VERBS.map((verb) => [verb, summaryOf(times[verb])])) as Evening['times'],
    cpu: cpuSeconds(process.pid) - cpuBefore,
  };
}

function summaryOf(took: readonly number[]): Evening['times'][Verb] {
  const sorted = took.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99) };
}

serveParent(
  (message: Entering | Selling): Promise<unknown> => (message.type === 'enter' ? enterAll(message) : sell(message)),
);
