import { availableParallelism } from 'node:os';
import { type Client, type Context, SLOW } from '../api/context.ts';
import { tooMany } from '../api/limits.ts';
import { CallerError } from '../api/problems.ts';
import type { Caller } from '../commands/runner.ts';
import { CountByKey } from '../platform/count-by-key.ts';
import { type Platform, perProcess } from '../platform/platform.ts';
import { SECOND } from '../platform/units.ts';

/**
 * Sorts of hashes. They take turns, so that a flood of one leaves the others theirs: whoever guesses names waits behind
 * other guesses, not before those who have an account.
 */
export type Sort = 'KNOWN_NAME' | 'UNKNOWN_NAME' | 'NEW_NAME';

/** Who waits for a hash. */
export interface Asker {
  readonly sort: Sort;
  readonly name: string;
  readonly client: Client;
}

/** Most hashes of one sort that wait. */
const MAX_WAITING = 200;

/** Most names and addresses of one sort whose last turn is known. */
const MAX_SERVED = 2_000;

/** A refusal is answered after 2 s to 3 s, at random, so that clients that ask again at once do not all return together. */
const MIN_REFUSAL_MS = 2 * SECOND;
const MAX_REFUSAL_MS = 3 * SECOND;

/** Each hash keeps a thread of Node's four busy, which files, the DNS and signatures need too. */
const MAX_AT_ONCE = 3;

const hashing = perProcess(({ config }) => {
  const processors = Math.max(1, availableParallelism() - 1);
  return new Hashing(config.HASHES_AT_ONCE ?? Math.min(processors, MAX_AT_ONCE));
});

/**
 * Runs `hash` when its turn comes. Sorts take turns; within a sort names do, and addresses do: a name has one turn however
 * many addresses ask for it, and so has an address however many names it asks for. Of several that had none the one that
 * came last is first, so that who comes after a flood need not wait for its end.
 * @throws CallerError RATE_LIMITED when too many wait; SERVICE_UNAVAILABLE when nobody waits any longer: then nothing is
 * hashed
 */
export function hashInTurn<T>(platform: Platform, asker: Asker, hash: () => Promise<T>): Promise<T> {
  return hashing(platform).run(asker, hash);
}

/** The caller of a command that comes after a hash: waiting for that may have taken longer than other requests last. */
export function patient(context: Context): Caller {
  const { platform, client, requestId } = context;
  return { platform, requestId, isOver: () => client.isGone(), noteCommand: (timing) => context.noteCommand(timing) };
}

interface Job {
  readonly client: Client;
  /** Whose turns it takes. Where no limit by address counts, the name stands for the address too. */
  readonly name: string;
  readonly address: string;
  /** By `performance.now()`: later nobody waits any longer, because the request has been answered. */
  readonly until: number;
  begin(): Promise<void>;
  refuse(error: CallerError): void;
}

class Hashing {
  readonly #atOnce: number;
  /** The first one is next. */
  readonly #waiting = new Map<Sort, Waiting>();
  #running = 0;

  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  run<T>(asker: Asker, hash: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const waiting = this.#waiting.get(asker.sort) ?? new Waiting();
      this.#waiting.set(asker.sort, waiting);
      const until = performance.now() + SLOW.deadlineMs;
      waiting.add({ ...turnsOf(asker), until, begin: () => hash().then(resolve, reject), refuse: reject });
      this.#beginSome();
    });
  }

  #beginSome(): void {
    while (this.#running < this.#atOnce) {
      const job = this.#next();
      if (!job) return;
      this.#running++;
      void job.begin().finally(() => {
        this.#running--;
        this.#beginSome();
      });
    }
  }

  /** Takes the next hash that somebody waits for. */
  #next(): Job | undefined {
    for (const [sort, waiting] of this.#waiting) {
      const job = waiting.take();
      if (!job) continue;
      this.#waiting.delete(sort);
      this.#waiting.set(sort, waiting);
      return job;
    }
    return undefined;
  }
}

/** Hashes of one sort that wait. A flood of them must cost little each: what is compared is counted beforehand. */
class Waiting {
  /** In order of arrival. */
  readonly #jobs = new Set<Job>();
  /** How many of the jobs are of a name, and how many of an address. */
  readonly #counts = new CountByKey();
  /** Names and addresses that had a turn, with the number of the last one; whose turn was last is last. */
  readonly #served = new Map<string, number>();
  #turn = 0;

  add(job: Job): void {
    this.#jobs.add(job);
    for (const key of keysOf(job)) this.#counts.add(key);
    if (this.#jobs.size > MAX_WAITING) this.#dropAbandoned();
    if (this.#jobs.size > MAX_WAITING) this.#refuseOne();
  }

  /** @returns undefined when nobody waits */
  take(): Job | undefined {
    this.#dropAbandoned();
    const turnOf = (key: string): number => this.#served.get(key) ?? 0;
    const next = firstOfLeast([...this.#jobs].reverse(), ({ name, address }) => {
      const [ofName, ofAddress] = [turnOf(name), turnOf(address)];
      return [Math.max(ofName, ofAddress), Math.min(ofName, ofAddress)];
    });
    if (next) this.#serve(next);
    return next;
  }

  #serve(job: Job): void {
    this.#remove(job);
    this.#turn++;
    for (const key of keysOf(job)) {
      this.#served.delete(key);
      this.#served.set(key, this.#turn);
    }
    for (const key of this.#served.keys()) {
      if (this.#served.size <= MAX_SERVED) break;
      this.#served.delete(key);
    }
  }

  #dropAbandoned(): void {
    const now = performance.now();
    for (const job of this.#jobs) {
      if (now <= job.until && !job.client.isGone()) continue;
      this.#remove(job);
      job.refuse(new CallerError('SERVICE_UNAVAILABLE'));
    }
  }

  /**
   * Refuses one of the name for which most wait; of several such names one of the address where most wait, because a hall
   * full of people has one. Of those it is who has waited longest.
   */
  #refuseOne(): void {
    const countOf = (key: string): number => this.#counts.count(key);
    const job = firstOfLeast(this.#jobs, ({ name, address }) => [-countOf(name), -countOf(address)]);
    if (!job) return;
    this.#remove(job);
    refuseLater(job);
  }

  #remove(job: Job): void {
    if (!this.#jobs.delete(job)) return;
    for (const key of keysOf(job)) this.#counts.giveBack(key);
  }
}

/** Compared by its first number, then by its second. */
type Rank = readonly [number, number];

/** The job of the least rank; of several the first one. */
function firstOfLeast(jobs: Iterable<Job>, rankOf: (job: Job) => Rank): Job | undefined {
  let found: { readonly job: Job; readonly rank: Rank } | undefined;
  for (const job of jobs) {
    const rank = rankOf(job);
    const isLess = !found || (rank[0] - found.rank[0] || rank[1] - found.rank[1]) < 0;
    if (isLess) found = { job, rank };
  }
  return found?.job;
}

/** The name and the address, once where they are the same. */
function keysOf({ name, address }: Job): readonly string[] {
  return name === address ? [name] : [name, address];
}

function turnsOf({ name: given, client }: Asker): Pick<Job, 'client' | 'name' | 'address'> {
  const name = `name ${given}`;
  return { client, name, address: client.address === null ? name : `address ${client.address}` };
}

/** Refuses a job after a moment: a client that asks again at once would keep the process busy. At once where it ends sooner. */
function refuseLater({ until, refuse }: Job): void {
  const ms = MIN_REFUSAL_MS + Math.random() * (MAX_REFUSAL_MS - MIN_REFUSAL_MS);
  const isInTime = performance.now() + ms < until;
  setTimeout(() => refuse(tooMany('Too many passwords wait to be checked.')), isInTime ? ms : 0);
}
