import { setTimeout as sleep } from 'node:timers/promises';

/** While several callers share a key, its runs start at least this far apart. */
const MIN_INTERVAL_MS = 150;

/**
 * The next run waits at least this long after the last one has ended. A process accepts one connection in each turn of
 * its event loop: without the wait, a short run would end before the next caller could join it.
 */
const MIN_PAUSE_MS = 10;

interface Run<T> {
  readonly startedAt: number;
  readonly ended: Promise<unknown>;
  /** Number of callers that share its answer. */
  readonly callers: number;
  /** The run that later callers share, and the number of these callers. */
  next: Promise<T> | undefined;
  waiting: number;
}

/**
 * Coalesces queries for the same key: callers that come together share one answer. No caller receives an answer that
 * was begun before it called: a caller that comes while a run is under way, or has just ended, shares the next run,
 * which waits a moment for more callers. A single caller never waits.
 */
export class CoalescedQuery<T> {
  readonly #runs = new Map<string, Run<T>>();

  /** @param key identifies the query; the result of `work` must depend on the key alone */
  run(key: string, work: () => Promise<T>): Promise<T> {
    const last = this.#runs.get(key);
    if (!last) return this.#start(key, work, 1);
    last.waiting++;
    last.next ??= this.#startAfter(last, key, work);
    return last.next;
  }

  async #startAfter(last: Run<T>, key: string, work: () => Promise<T>): Promise<T> {
    await last.ended;
    await sleep(pauseMs(last));
    return this.#start(key, work, last.waiting);
  }

  #start(key: string, work: () => Promise<T>, callers: number): Promise<T> {
    const running = work();
    const ended = running.catch(() => undefined);
    const run: Run<T> = { startedAt: Date.now(), ended, callers, next: undefined, waiting: 0 };
    this.#runs.set(key, run);
    void this.#forget(key, run);
    return running;
  }

  /** A run is remembered for as long as it makes the next one wait. */
  async #forget(key: string, run: Run<T>): Promise<void> {
    await run.ended;
    await sleep(pauseMs(run), undefined, { ref: false });
    if (this.#runs.get(key) === run && run.next === undefined) this.#runs.delete(key);
  }
}

function pauseMs({ callers, startedAt }: Run<unknown>): number {
  return Math.max(MIN_PAUSE_MS, callers > 1 ? startedAt + MIN_INTERVAL_MS - Date.now() : 0);
}
