/**
 * Hands values from one writer to one reader as an async iterator, keeping only one that was not yet read: a slow
 * reader sees the latest state instead of growing a buffer. `merge` may fold the unread value into the newer one.
 */
export class Latest<T> implements AsyncIterableIterator<T> {
  #unread: { value: T } | undefined;
  #waiting: ((result: IteratorResult<T>) => void) | undefined;
  #ended = false;
  readonly #merge: (unread: T, newer: T) => T;
  readonly #onEnd: () => void;

  /** @param onEnd called once, when the reader or the writer ends the sequence */
  constructor(onEnd: () => void, merge: (unread: T, newer: T) => T = (_unread, newer) => newer) {
    this.#onEnd = onEnd;
    this.#merge = merge;
  }

  get ended(): boolean {
    return this.#ended;
  }

  push(value: T): void {
    if (this.#ended) return;
    if (this.#waiting) {
      const give = this.#waiting;
      this.#waiting = undefined;
      give({ value, done: false });
    } else {
      this.#unread = { value: this.#unread ? this.#merge(this.#unread.value, value) : value };
    }
  }

  /** Ends the sequence; a value not yet read is still handed out. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd();
    this.#waiting?.({ value: undefined, done: true });
    this.#waiting = undefined;
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#unread) {
      const { value } = this.#unread;
      this.#unread = undefined;
      return Promise.resolve({ value, done: false });
    }
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  return(): Promise<IteratorResult<T>> {
    this.#unread = undefined;
    this.end();
    return Promise.resolve({ value: undefined, done: true });
  }

  throw(error: unknown): Promise<IteratorResult<T>> {
    this.end();
    return Promise.reject(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
