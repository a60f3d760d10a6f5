import { SECOND } from './units.ts';

/** How long a connection may hold bytes back without taking any of them. */
const MOST_STUCK_MS = 10 * SECOND;

/** A connection as its outlet sees it. */
export interface Pipe {
  /** Hands text over; calls `left` when the system has taken its bytes, or never will. */
  write(text: string, left: () => void): void;
  /** Bytes handed over that the system has not taken yet. */
  waiting(): number;
  /** Ends it at once. */
  cut(): void;
}

/**
 * What one slow reader may cost: whoever writes waits until the bytes have left, and a reader for whom too many bytes
 * wait is cut off. One that takes nothing for too long shows in `isStuck`.
 */
export class Outlet {
  readonly #pipe: Pipe;
  readonly #mostBytes: number;
  #pending = 0;
  #movedAt = 0;

  constructor(pipe: Pipe, mostBytes: number) {
    this.#pipe = pipe;
    this.#mostBytes = mostBytes;
  }

  /** Resolves when the bytes have left, also when the connection is cut off: here, if too much was waiting already. */
  send(text: string): Promise<void> {
    if (this.#pending === 0) this.#movedAt = performance.now();
    else if (this.#pipe.waiting() > this.#mostBytes) this.#pipe.cut();
    this.#pending += 1;
    return new Promise((resolve) => {
      this.#pipe.write(text, () => {
        this.#pending -= 1;
        this.#movedAt = performance.now();
        resolve();
      });
    });
  }

  /** Whether bytes have been waiting for too long without any of them leaving. */
  get isStuck(): boolean {
    return this.#pending > 0 && performance.now() - this.#movedAt > MOST_STUCK_MS;
  }
}
