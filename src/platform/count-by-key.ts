/** Counts by key, in this process. A key whose count is 0 takes no memory. */
export class CountByKey {
  readonly #counts = new Map<string, number>();

  count(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  /** Counts one more for `key`; the caller gives it back once. */
  add(key: string): void {
    this.#counts.set(key, this.count(key) + 1);
  }

  /**
   * Counts one more for `key`; the caller gives it back once.
   * @returns false when `key` has `max` already
   */
  take(key: string, max: number): boolean {
    if (this.count(key) >= max) return false;
    this.add(key);
    return true;
  }

  giveBack(key: string): void {
    const count = this.count(key);
    if (count > 1) this.#counts.set(key, count - 1);
    else this.#counts.delete(key);
  }
}
