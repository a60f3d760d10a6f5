import { SECOND } from './units.ts';

/** Milliseconds for which a connection may take none of the bytes that wait for it. */
export const MAX_STALLED_MS = 10 * SECOND;

/** The connection under a writer. */
export interface Connection {
  /** Writes text; calls `done` when the system has taken its bytes, or when it is certain that it will not. */
  write(text: string, done: () => void): void;
  /** Bytes written that the system has not taken yet. */
  buffered(): number;
  /** Closes the connection at once. */
  cut(): void;
}

/**
 * Writes to a connection with backpressure: a writer waits until its bytes have left, and a reader is cut off when too
 * many bytes wait for it. `isStalled` is true of a reader that has taken no bytes for too long.
 */
export class BoundedWriter {
  readonly #connection: Connection;
  readonly #maxBytes: number;
  #pending = 0;
  #movedAt = 0;

  constructor(connection: Connection, maxBytes: number) {
    this.#connection = connection;
    this.#maxBytes = maxBytes;
  }

  /** Resolves when the bytes have left, or the connection is cut off: here, when too many bytes are waiting already. */
  send(text: string): Promise<void> {
    if (this.#pending === 0) this.#movedAt = performance.now();
    else if (this.#connection.buffered() > this.#maxBytes) this.#connection.cut();
    this.#pending += 1;
    return new Promise((resolve) => {
      this.#connection.write(text, () => {
        this.#pending -= 1;
        this.#movedAt = performance.now();
        resolve();
      });
    });
  }

  /** Whether bytes have been waiting for too long and none of them has left. */
  get isStalled(): boolean {
    return this.#pending > 0 && performance.now() - this.#movedAt > MAX_STALLED_MS;
  }
}
