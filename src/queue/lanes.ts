import { Gone } from './gone.ts';
import type { QueueMessage } from './queue-message.ts';

/** A number given up since the last message. */
interface Left {
  readonly lane: string;
  readonly number: number;
  /** Milliseconds since 1970 on Redis' clock. */
  readonly at: number;
}

/** The lanes of a queue as its messages tell them: which numbers stand, and at which places. */
export class Lanes {
  readonly #gone = new Map<string, Gone>();
  /** By lane: how many wait in the lanes that are served before it. */
  readonly #ahead = new Map<string, number>();
  #left: Left[] = [];
  #told: Pick<QueueMessage, 'state' | 'heads' | 'tails'> | undefined;

  /** Takes in the next message. */
  follow(message: QueueMessage): void {
    for (const [lane, numbers] of Object.entries(message.gone)) this.#goneIn(lane).add(numbers);
    for (const [lane, head] of Object.entries(message.heads)) this.#goneIn(lane).dropUpTo(head);
    this.#ahead.clear();
    this.#left = [];
    this.#told = message;
  }

  /** Forgets what it knew for a snapshot. */
  begin(snapshot: QueueMessage): void {
    this.#gone.clear();
    this.follow(snapshot);
  }

  /**
   * Takes out a number that its holder gave up since the last message; answers whether it had been counted. One given out
   * since then is neither among those who came nor among those who went, until the next message tells both.
   */
  vacate(left: Left): boolean {
    const { lane, number } = left;
    if (!this.hasHeardOf(lane, number) || !this.stands(lane, number)) return false;
    this.#left.push(left);
    this.#goneIn(lane).add([number]);
    this.#ahead.clear();
    return true;
  }

  /** Whether the number had been given out when the last message was said. */
  hasHeardOf(lane: string, number: number): boolean {
    return number <= (this.#told?.tails[lane] ?? 0);
  }

  /** Whether nobody was admitted up to that number, nor has its holder given it up. */
  stands(lane: string, number: number): boolean {
    // The sealing of a SCHEDULED queue moves the head past everybody, who wait for other numbers all the same.
    const mayStand = this.#told?.state === 'SCHEDULED' || number > (this.#told?.heads[lane] ?? 0);
    return mayStand && !this.#goneIn(lane).has(number);
  }

  /** Place in the whole queue of a number that stands and was heard of: 1 is the next. */
  position(lane: string, number: number): number {
    const head = this.#told?.heads[lane] ?? 0;
    return this.#aheadOf(lane) + number - head - this.#goneIn(lane).countUpTo(number);
  }

  /** Of those who stood before that number when the last message was said, how many left later than `since`. */
  leftAhead(lane: string, number: number, since: number): number {
    const isAhead = (left: Left): boolean => left.lane > lane || (left.lane === lane && left.number < number);
    return this.#left.filter((left) => left.at > since && isAhead(left)).length;
  }

  #aheadOf(lane: string): number {
    if (this.#ahead.size === 0) this.#sumLanes();
    return this.#ahead.get(lane) ?? 0;
  }

  #sumLanes(): void {
    const { heads = {}, tails = {} } = this.#told ?? {};
    let ahead = 0;
    for (const lane of Object.keys(heads).sort((a, b) => Number(b) - Number(a))) {
      this.#ahead.set(lane, ahead);
      ahead += (tails[lane] ?? 0) - (heads[lane] ?? 0) - this.#goneIn(lane).size;
    }
  }

  #goneIn(lane: string): Gone {
    let gone = this.#gone.get(lane);
    if (!gone) {
      gone = new Gone();
      this.#gone.set(lane, gone);
    }
    return gone;
  }
}
