/**
 * An async iterator from one writer to one reader that holds at most one unread value: a slow reader receives the latest
 * state, and no buffer grows. `merge` may merge the unread value into the newer one instead of dropping it.
 */
export class ConflatingIterator<T> implements AsyncIterableIterator<T> {
  #unread: { value: T } | undefined;
  #waiting: { resolve: (result: IteratorResult<T>) => void; reject: (error: unknown) => void } | undefined;
  #failure: { error: unknown } | undefined;
  #ended = false;
  readonly #merge: (unread: T, newer: T) => T;
  readonly #onEnd: () => void;

  /** @param onEnd called once, when the reader or the writer ends the iterator */
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
      const { resolve } = this.#waiting;
      this.#waiting = undefined;
      resolve({ value, done: false });
    } else {
      this.#unread = { value: this.#unread ? this.#merge(this.#unread.value, value) : value };
    }
  }

  /** Ends the iterator; an unread value is still delivered. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd();
    this.#waiting?.resolve({ value: undefined, done: true });
    this.#waiting = undefined;
  }

  /** Ends the iterator with an error, which the reader receives after an unread value. */
  fail(error: unknown): void {
    if (this.#ended) return;
    if (this.#waiting) this.#waiting.reject(error);
    else this.#failure = { error };
    this.#waiting = undefined;
    this.end();
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#unread) {
      const { value } = this.#unread;
      this.#unread = undefined;
      return Promise.resolve({ value, done: false });
    }
    if (this.#failure) {
      const { error } = this.#failure;
      this.#failure = undefined;
      return Promise.reject(error);
    }
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  return(): Promise<IteratorResult<T>> {
    this.#unread = undefined;
    this.#failure = undefined;
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
