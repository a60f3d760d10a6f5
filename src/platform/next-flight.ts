/**
 * Lets all who ask for the same thing at once share one answer, without handing anybody an answer that was begun
 * before they asked: who comes while one is under way shares the next.
 */
export class NextFlight<T> {
  readonly #flights = new Map<string, { running: Promise<T>; next: Promise<T> | undefined }>();

  /** @param key what is asked for; `work` must depend on nothing else */
  run(key: string, work: () => Promise<T>): Promise<T> {
    const flight = this.#flights.get(key);
    if (!flight) return this.#start(key, work);
    flight.next ??= flight.running.then(
      () => this.#start(key, work),
      () => this.#start(key, work),
    );
    return flight.next;
  }

  #start(key: string, work: () => Promise<T>): Promise<T> {
    const running = work();
    const flight = { running, next: undefined };
    this.#flights.set(key, flight);
    const land = (): void => {
      if (this.#flights.get(key) === flight && flight.next === undefined) this.#flights.delete(key);
    };
    running.then(land, land);
    return running;
  }
}
