/** Number of turns in a period; the callbacks are spread over them. */
const TURNS = 48;

/** Calls many callbacks once a period each, spread evenly over it, with one timer for all of them. */
export class SharedTimer {
  readonly #everyMs: number;
  readonly #turns = Array.from({ length: TURNS }, () => new Set<() => void>());
  #timer: NodeJS.Timeout | undefined;
  #size = 0;
  #now = 0;
  #next = 0;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /**
   * Calls `callback` once a period, for the first time within one period.
   * @returns a function that ends the calls
   */
  add(callback: () => void): () => void {
    const turn = this.#turns[this.#next] as Set<() => void>;
    this.#next = (this.#next + 1) % TURNS;
    turn.add(callback);
    this.#size += 1;
    this.#timer ??= setInterval(() => this.#turn(), this.#everyMs / TURNS).unref();
    return () => {
      if (turn.delete(callback)) this.#remove();
    };
  }

  #turn(): void {
    this.#now = (this.#now + 1) % TURNS;
    for (const callback of this.#turns[this.#now] ?? []) callback();
  }

  #remove(): void {
    this.#size -= 1;
    if (this.#size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
