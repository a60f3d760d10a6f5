/** Turns of one period: what is due in a period is spread over them. */
const TURNS = 48;

/** Calls many functions once a period each, spread evenly over it, with one timer for all of them. */
export class Pulse {
  readonly #everyMs: number;
  readonly #turns = Array.from({ length: TURNS }, () => new Set<() => void>());
  #timer: NodeJS.Timeout | undefined;
  #size = 0;
  #now = 0;
  #next = 0;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** Calls `beat` once a period, first a period from now at the latest, until the function answered is called. */
  add(beat: () => void): () => void {
    const turn = this.#turns[this.#next] as Set<() => void>;
    this.#next = (this.#next + 1) % TURNS;
    turn.add(beat);
    this.#size += 1;
    this.#timer ??= setInterval(() => this.#turn(), this.#everyMs / TURNS).unref();
    return () => {
      if (turn.delete(beat)) this.#leave();
    };
  }

  #turn(): void {
    this.#now = (this.#now + 1) % TURNS;
    for (const beat of this.#turns[this.#now] ?? []) beat();
  }

  #leave(): void {
    this.#size -= 1;
    if (this.#size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
