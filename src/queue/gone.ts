/**
 * The numbers of one lane that left before their turn: a sorted array, in which counting is a binary search and the
 * few that leave between two ticks are moved in together.
 */
export class Gone {
  #numbers: number[] = [];

  get size(): number {
    return this.#numbers.length;
  }

  /** How many are at most `number`. */
  countUpTo(number: number): number {
    let low = 0;
    let high = this.#numbers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#numbers[middle] as number) <= number) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Adds numbers in any order; those already in count once. */
  add(numbers: readonly number[]): void {
    const fresh = numbers.filter((number) => !this.has(number));
    if (fresh.length === 0) return;
    const last = this.#numbers.at(-1) ?? 0;
    const sorted = [...new Set(fresh)].sort((a, b) => a - b);
    const appends = (sorted[0] as number) > last;
    this.#numbers = appends ? this.#numbers.concat(sorted) : [...this.#numbers, ...sorted].sort((a, b) => a - b);
  }

  /** Forgets what is at most `head`: its turn has passed. */
  dropUpTo(head: number): void {
    const passed = this.countUpTo(head);
    if (passed > 0) this.#numbers.splice(0, passed);
  }

  /** Whether this number left. */
  has(number: number): boolean {
    const index = this.countUpTo(number) - 1;
    return index >= 0 && this.#numbers[index] === number;
  }
}
