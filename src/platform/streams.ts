import type { ServerResponse } from 'node:http';
import { BoundedWriter } from './bounded-writer.ts';
import { SharedTimer } from './shared-timer.ts';
import { SECOND } from './units.ts';

/** Checks streams every 5 s; a stream whose reader takes no bytes is cut off. */
const CHECKS = new SharedTimer(5 * SECOND);

/** A streaming response: text is written to it piece by piece until either side ends it. */
export class Stream {
  readonly #response: ServerResponse;
  readonly #writer: BoundedWriter;
  readonly #begun = Promise.withResolvers<void>();

  /** @param maxBytes that may wait for the reader before it is cut off */
  constructor(response: ServerResponse, maxBytes: number) {
    this.#response = response;
    const unwritten = new Set<() => void>();
    const connection = {
      write: (text: string, done: () => void): void => {
        const settle = (): void => {
          if (unwritten.delete(settle)) done();
        };
        unwritten.add(settle);
        if (response.writable) response.write(text, settle);
        else settle();
      },
      buffered: () => response.writableLength,
      cut: () => void response.destroy(),
    };
    this.#writer = new BoundedWriter(connection, maxBytes);
    // Node forgets what it was to write to a connection that has broken, and never calls back.
    response.once('close', () => {
      for (const settle of unwritten) settle();
    });
  }

  /** Sends the head, then everything in `body`; ends both when `body` ends or the reader leaves. */
  async run(head: Record<string, string>, body: AsyncGenerator<string>): Promise<void> {
    const response = this.#response;
    // Its connection ends with it: a process that ends waits for its connections.
    response.writeHead(200, { ...head, connection: 'close' });
    this.#begun.resolve();
    const leave = (): void => void body.return(undefined);
    response.once('close', leave);
    if (response.destroyed) leave();
    const stopChecking = CHECKS.add(() => {
      if (this.#writer.isStalled) response.destroy();
    });
    try {
      for await (const text of body) await this.#writer.send(text);
    } finally {
      stopChecking();
      response.end();
    }
  }

  /** Writes text between the pieces of `run`, after the head; resolves when its bytes have left. */
  async write(text: string): Promise<void> {
    await this.#begun.promise;
    await this.#writer.send(text);
  }
}
