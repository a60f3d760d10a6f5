import { setTimeout as sleep } from 'node:timers/promises';

/** While a crowd asks for the same thing, its flights start at least this far apart. */
const GATHER_MS = 150;

/**
 * After a flight the next one waits at least so long for whoever is at the door: a process takes in one connection in each
 * turn of its loop, so that on a busy machine each of a crowd would land before the next one could ask.
 */
const DOOR_MS = 10;

interface Flight<T> {
  readonly startedAt: number;
  readonly landed: Promise<unknown>;
  /** How many share its answer. */
  readonly riders: number;
  /** The one that those who came since will share, and how many they are. */
  next: Promise<T> | undefined;
  waiting: number;
}

/**
 * Lets all who ask for the same thing at once share one answer, without handing anybody an answer that was begun
 * before they asked: who comes while one is under way, or has just landed, shares the next. It waits a moment for more to
 * come; who asks alone never waits.
 */
export class NextFlight<T> {
  readonly #flights = new Map<string, Flight<T>>();

  /** @param key what is asked for; `work` must depend on nothing else */
  run(key: string, work: () => Promise<T>): Promise<T> {
    const last = this.#flights.get(key);
    if (!last) return this.#start(key, work, 1);
    last.waiting++;
    last.next ??= this.#startAfter(last, key, work);
    return last.next;
  }

  async #startAfter(last: Flight<T>, key: string, work: () => Promise<T>): Promise<T> {
    await last.landed;
    await sleep(gatherMs(last));
    return this.#start(key, work, last.waiting);
  }

  #start(key: string, work: () => Promise<T>, riders: number): Promise<T> {
    const running = work();
    const landed = running.catch(() => undefined);
    const flight: Flight<T> = { startedAt: Date.now(), landed, riders, next: undefined, waiting: 0 };
    this.#flights.set(key, flight);
    void this.#forget(key, flight);
    return running;
  }

  /** A flight is remembered for as long as it keeps the next one waiting. */
  async #forget(key: string, flight: Flight<T>): Promise<void> {
    await flight.landed;
    await sleep(gatherMs(flight), undefined, { ref: false });
    if (this.#flights.get(key) === flight && flight.next === undefined) this.#flights.delete(key);
  }
}

function gatherMs({ riders, startedAt }: Flight<unknown>): number {
  return Math.max(DOOR_MS, riders > 1 ? startedAt + GATHER_MS - Date.now() : 0);
}
