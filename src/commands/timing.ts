/**
 * What one command went through, for the line of its request in the log. Times are milliseconds, of the last try; what
 * did not happen is undefined, as for a command that `prepare` answered.
 */
export interface Timing {
  /** Name of the verb. */
  readonly command: string;
  /** Commands in its batch. */
  batch: number;
  /** How often it was taken through the steps: again after a lost race, a locked row, or a fault in its batch. */
  tries: number;
  /** From its arrival to the start of the last try, earlier tries included. */
  waitingMs: number;
  /** BEGIN, idempotency keys, locks. */
  lockingMs?: number | undefined;
  /** Facts and the decisions of the batch. */
  decidingMs?: number | undefined;
  /** Writing and COMMIT. */
  committingMs?: number | undefined;
}

/** Measures the steps of one try for all its commands. */
export class Stopwatch {
  readonly #timings: readonly Timing[];
  #at = performance.now();

  /** @param entries the commands of the try, with the time of their arrival by `performance.now()` */
  constructor(entries: readonly { readonly arrivedAt: number; readonly timing: Timing }[]) {
    this.#timings = entries.map(({ timing }) => timing);
    for (const { arrivedAt, timing } of entries) {
      timing.batch = entries.length;
      timing.tries++;
      timing.waitingMs = this.#at - arrivedAt;
      timing.lockingMs = timing.decidingMs = timing.committingMs = undefined;
    }
  }

  /** Notes that a step has ended, which began when the one before it did. */
  end(step: 'lockingMs' | 'decidingMs' | 'committingMs'): void {
    const now = performance.now();
    for (const timing of this.#timings) timing[step] = now - this.#at;
    this.#at = now;
  }
}
