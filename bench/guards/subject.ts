import type pg from 'pg';

/** What is fought over, and the guards that can keep it. */
export interface Subject {
  readonly name: string;
  readonly guards: readonly string[];
  /** The program of one process: it is started with a guard, a database and a Redis, and takes orders. */
  readonly worker: string;
  /** Makes keys of each of which `room` pieces of work can be applied. @returns their ids */
  make(pool: pg.Pool, keys: number, room: number): Promise<string[]>;
  /** @throws Error unless exactly `room` pieces of work were applied to every key */
  requireExact(pool: pg.Pool, ids: readonly string[], room: number): Promise<void>;
}

/** What a worker is told to do. */
export interface Order {
  readonly ids: readonly string[];
  /** How many pieces of work it does, and how many of them at once. */
  readonly count: number;
  readonly atOnce: number;
  /** Pieces of work that one key has room for. */
  readonly room: number;
}

/** What came of it. */
export interface Report {
  readonly applied: number;
  readonly refused: number;
  /** Pieces of work that were done again after a lost race, or after they had been unavailable. */
  readonly retries: number;
  /** How long each took, in milliseconds, waiting included. */
  readonly latencies: readonly number[];
}
