/** What became of one item of a batch. */
export type Outcome<T> = { readonly value: T } | { readonly error: unknown };

interface Waiting<Item, T> {
  readonly item: Item;
  readonly settle: (outcome: Outcome<T>) => void;
}

/**
 * Runs work on one key in batches, one after another within this process: whatever came while a batch was running is
 * the next one, in the order of asking. Different keys run side by side. Waiting takes no connection, and keys with
 * nothing to do take no memory.
 */
export class BatchByKey<Item, T> {
  readonly #waiting = new Map<string, Waiting<Item, T>[]>();
  readonly #max: number;
  readonly #run: (key: string, items: readonly Item[]) => Promise<readonly Outcome<T>[]>;

  /**
   * @param max the most items of one batch
   * @param run answers an outcome for each item; when it throws, that is the outcome of all
   */
  constructor(max: number, run: (key: string, items: readonly Item[]) => Promise<readonly Outcome<T>[]>) {
    this.#max = max;
    this.#run = run;
  }

  /** What became of `item`: its value, or its error thrown. */
  async do(key: string, item: Item): Promise<T> {
    const outcome = await new Promise<Outcome<T>>((settle) => {
      const line = this.#waiting.get(key);
      if (line) {
        line.push({ item, settle });
        return;
      }
      this.#waiting.set(key, [{ item, settle }]);
      void this.#drain(key);
    });
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  async #drain(key: string): Promise<void> {
    for (let line = this.#waiting.get(key); line?.length; line = this.#waiting.get(key)) {
      const batch = line.splice(0, this.#max);
      const outcomes = await this.#run(
        key,
        batch.map(({ item }) => item),
      ).catch((error: unknown) => batch.map(() => ({ error })));
      for (const [index, { settle }] of batch.entries()) {
        settle(outcomes[index] ?? { error: new Error('a batch left an item without an outcome') });
      }
    }
    this.#waiting.delete(key);
  }
}
