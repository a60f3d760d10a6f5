/**
 * Runs work on one key one after another within this process, in the order of asking; work on different keys runs
 * side by side. Waiting takes no connection. Keys with nothing to do take no memory.
 */
export class WorkByKey {
  readonly #tails = new Map<string, Promise<unknown>>();

  /** Answers what `work` answers, or throws what it throws, once everything asked before for `key` has ended. */
  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    const tail = mine.catch(() => undefined);
    this.#tails.set(key, tail);
    void tail.then(() => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    });
    return mine;
  }
}
