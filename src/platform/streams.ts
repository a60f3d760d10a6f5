import type { ServerResponse } from 'node:http';
import { Outlet } from './outlet.ts';
import { Pulse } from './pulse.ts';
import { SECOND } from './units.ts';

/** How often streams are looked at: one whose reader takes nothing is cut off. */
const LOOKS = new Pulse(5 * SECOND);

/** A response that goes on: text is written to it piece by piece until either side ends it. */
export class Stream {
  readonly #response: ServerResponse;
  readonly #outlet: Outlet;
  readonly #begun = Promise.withResolvers<void>();

  /** @param mostBytes that may wait for the reader before it is cut off */
  constructor(response: ServerResponse, mostBytes: number) {
    this.#response = response;
    const pipe = {
      write: (text: string, left: () => void): void => {
        if (response.writable) response.write(text, () => left());
        else left();
      },
      waiting: () => response.writableLength,
      cut: () => void response.destroy(),
    };
    this.#outlet = new Outlet(pipe, mostBytes);
  }

  /** Sends the head, and then everything in `body` until it ends or the reader leaves; then `body` is ended. */
  async run(head: Record<string, string>, body: AsyncGenerator<string>): Promise<void> {
    const response = this.#response;
    response.writeHead(200, head);
    this.#begun.resolve();
    const leave = (): void => void body.return(undefined);
    response.once('close', leave);
    if (response.destroyed) leave();
    const stopLooking = LOOKS.add(() => {
      if (this.#outlet.isStuck) response.destroy();
    });
    try {
      for await (const text of body) await this.#outlet.send(text);
    } finally {
      stopLooking();
      response.end();
    }
  }

  /** Writes text between what `run` sends, once the head is out; resolves when its bytes have left. */
  async write(text: string): Promise<void> {
    await this.#begun.promise;
    await this.#outlet.send(text);
  }
}
