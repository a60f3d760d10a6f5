/** So many are put in one by one: each makes room by one move of memory, quicker than looking at all behind it. */
const FEW = 8;

/**
 * The numbers of one lane that left before their turn: a sorted array, in which counting is a binary search. One that
 * leaves is put in its place, those told of by a tick are moved in together.
 */
export class Gone {
  readonly #numbers: number[] = [];

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
    const fresh = [...new Set(numbers.filter((number) => !this.has(number)))];
    if (fresh.length > FEW) this.#merge(fresh.sort((a, b) => a - b));
    else for (const number of fresh) this.#numbers.splice(this.countUpTo(number), 0, number);
  }

  /** Moves sorted numbers in from the back, looking at each one behind them once. */
  #merge(fresh: readonly number[]): void {
    const numbers = this.#numbers;
    let from = numbers.length - 1;
    for (const number of fresh) numbers.push(number);
    let to = numbers.length - 1;
    for (const number of fresh.toReversed()) {
      while (from >= 0 && (numbers[from] as number) > number) numbers[to--] = numbers[from--] as number;
      numbers[to--] = number;
    }
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
