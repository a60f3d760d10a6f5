/** The result of one item of a batch. */
export type Outcome<T> = { readonly value: T } | { readonly error: unknown };

interface Waiting<Item, T> {
  readonly item: Item;
  readonly settle: (outcome: Outcome<T>) => void;
}

/**
 * Runs work on one key in batches, one after another within this process: the items that arrive while a batch runs are the
 * next batch, in the order of arrival. Different keys run at the same time. Waiting takes no connection, and an idle key
 * takes no memory.
 */
export class BatchByKey<Item, T> {
  readonly #waiting = new Map<string, Waiting<Item, T>[]>();
  readonly #max: number;
  readonly #run: (key: string, items: readonly Item[]) => Promise<readonly Outcome<T>[]>;

  /**
   * @param max the most items of one batch
   * @param run returns an outcome for each item; an error that it throws is the outcome of every item
   */
  constructor(max: number, run: (key: string, items: readonly Item[]) => Promise<readonly Outcome<T>[]>) {
    this.#max = max;
    this.#run = run;
  }

  /** Runs `item` in a batch of `key`. @returns its value @throws its error */
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
