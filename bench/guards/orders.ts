/** What a worker is told to do. */
export interface Order {
  readonly wallets: readonly string[];
  /** How many pieces of work it does, and how many of them at once. */
  readonly count: number;
  readonly atOnce: number;
  /** Balance above which a charge is refused. */
  readonly limit: number;
}

/** What came of it. */
export interface Report {
  readonly applied: number;
  readonly refused: number;
  /** Pieces of work that were done again after a lost race. */
  readonly retries: number;
  /** How long each took, in milliseconds, waiting included. */
  readonly latencies: readonly number[];
}
