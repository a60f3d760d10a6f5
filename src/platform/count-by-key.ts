/** How many of something each key has at the moment, in this process. Keys with nothing take no memory. */
export class CountByKey {
  readonly #counts = new Map<string, number>();

  count(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  /** Counts one more for `key`, or answers false when it has `most` already. Whoever took must give back once. */
  take(key: string, most: number): boolean {
    const count = this.count(key);
    if (count >= most) return false;
    this.#counts.set(key, count + 1);
    return true;
  }

  giveBack(key: string): void {
    const count = this.count(key);
    if (count > 1) this.#counts.set(key, count - 1);
    else this.#counts.delete(key);
  }
}
