import type { QueueMessage } from '../line/line.ts';

/** A number whose holder left after the last message. */
interface Departure {
  readonly lane: string;
  readonly number: number;
  /** Milliseconds since 1970 on Redis' clock. */
  readonly at: number;
}

/** The lanes of a queue as its messages describe them: which numbers wait, and at which positions. */
export class Lanes {
  readonly #departed = new Map<string, DepartedNumbers>();
  /** By lane: how many wait in the lanes that are served before it. */
  readonly #ahead = new Map<string, number>();
  /** Departures since the last message. */
  #recent: Departure[] = [];
  #message: Pick<QueueMessage, 'state' | 'heads' | 'tails'> | undefined;

  /** Applies the next message. */
  apply(message: QueueMessage): void {
    for (const [lane, numbers] of Object.entries(message.departed)) this.#departedIn(lane).add(numbers);
    for (const [lane, head] of Object.entries(message.heads)) this.#departedIn(lane).dropUpTo(head);
    this.#ahead.clear();
    this.#recent = [];
    this.#message = message;
  }

  /** Replaces all that is known with a snapshot. */
  reset(snapshot: QueueMessage): void {
    this.#departed.clear();
    this.apply(snapshot);
  }

  /**
   * Removes a number whose holder left after the last message. A number that was given out after that message is ignored
   * until the next message, which counts both the entry and the departure.
   * @returns whether the number had been counted as waiting
   */
  depart(departure: Departure): boolean {
    const { lane, number } = departure;
    if (!this.includes(lane, number) || !this.isWaiting(lane, number)) return false;
    this.#recent.push(departure);
    this.#departedIn(lane).add([number]);
    this.#ahead.clear();
    return true;
  }

  /** Whether the number had been given out at the last message. */
  includes(lane: string, number: number): boolean {
    return number <= (this.#message?.tails[lane] ?? 0);
  }

  /** Whether the number is behind its lane's head and has not departed. */
  isWaiting(lane: string, number: number): boolean {
    // Sealing a SCHEDULED queue moves the head past every number that was given out; their holders wait for other numbers.
    const isBehindHead = this.#message?.state === 'SCHEDULED' || number > (this.#message?.heads[lane] ?? 0);
    return isBehindHead && !this.#departedIn(lane).has(number);
  }

  /** Position in the whole queue of an included number that waits: 1 is the next to be admitted. */
  position(lane: string, number: number): number {
    const head = this.#message?.heads[lane] ?? 0;
    return this.#aheadOf(lane) + number - head - this.#departedIn(lane).countUpTo(number);
  }

  /** How many of those ahead of the number left after `since` (milliseconds since 1970 on Redis' clock). */
  departedAhead(lane: string, number: number, since: number): number {
    const isAhead = (other: Departure): boolean => other.lane > lane || (other.lane === lane && other.number < number);
    return this.#recent.filter((departure) => departure.at > since && isAhead(departure)).length;
  }

  #aheadOf(lane: string): number {
    if (this.#ahead.size === 0) this.#sumLanes();
    return this.#ahead.get(lane) ?? 0;
  }

  #sumLanes(): void {
    const { heads = {}, tails = {} } = this.#message ?? {};
    let ahead = 0;
    for (const lane of Object.keys(heads).sort((a, b) => Number(b) - Number(a))) {
      this.#ahead.set(lane, ahead);
      ahead += (tails[lane] ?? 0) - (heads[lane] ?? 0) - this.#departedIn(lane).size;
    }
  }

  #departedIn(lane: string): DepartedNumbers {
    let departed = this.#departed.get(lane);
    if (!departed) {
      departed = new DepartedNumbers();
      this.#departed.set(lane, departed);
    }
    return departed;
  }
}

/** Up to this many numbers are inserted one by one, each with one move of memory; more are merged in one pass. */
const MAX_SINGLE_INSERTS = 8;

/** The numbers of one lane whose holders left before their turn: a sorted array, counted by binary search. */
export class DepartedNumbers {
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

  /** Adds numbers in any order; a number that is present already is not added again. */
  add(numbers: readonly number[]): void {
    const fresh = [...new Set(numbers.filter((number) => !this.has(number)))];
    if (fresh.length > MAX_SINGLE_INSERTS) this.#merge(fresh.sort((a, b) => a - b));
    else for (const number of fresh) this.#numbers.splice(this.countUpTo(number), 0, number);
  }

  /** Merges sorted numbers from the back, in one pass over the numbers behind the first of them. */
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

  /** Removes the numbers up to and including `head`: their turn has passed. */
  dropUpTo(head: number): void {
    const passed = this.countUpTo(head);
    if (passed > 0) this.#numbers.splice(0, passed);
  }

  has(number: number): boolean {
    const index = this.countUpTo(number) - 1;
    return index >= 0 && this.#numbers[index] === number;
  }
}
