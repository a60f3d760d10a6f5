import { availableParallelism } from 'node:os';
import { type Client, type Context, SLOW } from '../api/context.ts';
import { tooMany } from '../api/limits.ts';
import { CallerError } from '../api/problems.ts';
import type { Caller } from '../commands/runner.ts';
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

/** Hashes of one sort that may wait, and those of one name among them. */
const MAX_WAITING = 200;
const MAX_OF_NAME = 50;

const REFUSAL_MS = SECOND;

/** Each hash keeps a thread of Node's four busy, which files, the DNS and signatures need too. */
const MAX_AT_ONCE = 3;

const hashing = perProcess(({ config }) => {
  const processors = Math.max(1, availableParallelism() - 1);
  return new Hashing(config.HASHES_AT_ONCE ?? Math.min(processors, MAX_AT_ONCE));
});

/**
 * Runs `hash` when its turn comes: sorts take turns, within a sort addresses do, and of an address the name that came last
 * is first, so that who comes after a flood need not wait for its end.
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
  readonly asker: Asker;
  /** By `performance.now()`: later nobody waits any longer, because the request has been answered. */
  readonly until: number;
  begin(): Promise<void>;
  refuse(error: CallerError): void;
}

class Hashing {
  readonly #atOnce: number;
  /** By sort; the first one is next. */
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
      waiting.add({ asker, until, begin: () => hash().then(resolve, reject), refuse: reject });
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
      this.#waiting.delete(sort);
      const job = waiting.take();
      if (waiting.size > 0) this.#waiting.set(sort, waiting);
      if (job) return job;
    }
    return undefined;
  }
}

/** Hashes of one sort that wait. */
class Waiting {
  /** By address, of each name those in order of arrival; the first address and its last name are next. */
  readonly #addresses = new Map<string | null, Job[][]>();
  size = 0;

  add(job: Job): void {
    const { name, client } = job.asker;
    const names = this.#addresses.get(client.address) ?? [];
    this.#addresses.set(client.address, names);
    const ofName = names.find(([first]) => first?.asker.name === name);
    if (ofName && ofName.length >= MAX_OF_NAME && !this.#dropAbandoned(ofName)) {
      refuseLater(job, `At most ${MAX_OF_NAME} wait for a password of one name.`);
      return;
    }
    if (ofName) ofName.push(job);
    else names.push([job]);
    this.size++;
    if (this.size > MAX_WAITING) this.#refuseOldest();
  }

  /** @returns undefined when nobody waits any longer */
  take(): Job | undefined {
    for (const [address, names] of this.#addresses) {
      this.#addresses.delete(address);
      const ofName = names.pop() ?? [];
      const job = ofName.shift();
      if (ofName.length > 0) names.unshift(ofName);
      if (names.length > 0) this.#addresses.set(address, names);
      if (!job) continue;
      this.size--;
      if (!isAbandoned(job)) return job;
      job.refuse(new CallerError('SERVICE_UNAVAILABLE'));
    }
    return undefined;
  }

  /** Drops one that nobody waits for. @returns whether there was one */
  #dropAbandoned(ofName: Job[]): boolean {
    const at = ofName.findIndex(isAbandoned);
    if (at < 0) return false;
    const [job] = ofName.splice(at, 1);
    this.size--;
    job?.refuse(new CallerError('SERVICE_UNAVAILABLE'));
    return true;
  }

  /** Refuses who has waited longest at the address where most wait; of several such addresses at the one served last. */
  #refuseOldest(): void {
    const countOf = (names: readonly Job[][]): number => names.reduce((count, ofName) => count + ofName.length, 0);
    const names = [...this.#addresses.values()].reduce((most, one) => (countOf(one) >= countOf(most) ? one : most));
    const ofName = names[0] ?? [];
    const job = ofName.pop();
    if (ofName.length === 0) names.shift();
    this.size--;
    if (job) refuseLater(job, 'Too many passwords wait to be checked.');
  }
}

/** Whether nobody waits any longer. */
function isAbandoned({ asker, until }: Job): boolean {
  return asker.client.isGone() || performance.now() > until;
}

/** Answers who is refused after a moment: a client that asks again at once would keep the process busy. */
function refuseLater({ refuse }: Job, sentence: string): void {
  setTimeout(() => refuse(tooMany(sentence)), REFUSAL_MS);
}
