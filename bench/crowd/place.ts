import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import {
  LeaveQueueDocument,
  PlaceChangesDocument,
  type PlaceChangesSubscription,
  PlaceDocument,
  type QueueTokenStatus,
} from '../../web/gql/graphql.ts';
import { textOf } from '../../web/server/document-text.ts';
import type { Ask, Who } from './ask.ts';
import { sleep } from './pace.ts';

/** One place in the queue, followed until it ends. */
export class Place {
  readonly value: string;
  readonly #ask: Ask;
  readonly #who: Who;
  readonly #onStatus: (status: QueueTokenStatus) => void;
  readonly #waiters = new Set<() => void>();
  #status: QueueTokenStatus = 'WAITING';

  /** @param onStatus called when the status changes */
  constructor(value: string, ask: Ask, who: Who, onStatus: (status: QueueTokenStatus) => void) {
    this.value = value;
    this.#ask = ask;
    this.#who = who;
    this.#onStatus = onStatus;
  }

  get status(): QueueTokenStatus {
    return this.#status;
  }

  get hasEnded(): boolean {
    return this.#status !== 'WAITING' && this.#status !== 'ACTIVE';
  }

  /** Follows the place until it ends: by subscription, and where that breaks by polling as often as the server asks. */
  async follow(stop: AbortSignal): Promise<void> {
    await this.#subscribe(stop).catch(() => undefined);
    while (!this.hasEnded && !stop.aborted) {
      const { queueToken } = await this.#ask(PlaceDocument, { value: this.value }, this.#who);
      this.#take(queueToken?.status ?? 'EXPIRED');
      if (!this.hasEnded) await sleep(queueToken?.pollAfterMs ?? 0, stop);
    }
  }

  /** Waits until the status is no longer `status`, no longer than `milliseconds`. */
  async whileIs(status: QueueTokenStatus, milliseconds: number, stop: AbortSignal): Promise<void> {
    const over = new AbortController();
    const changed = (): void => over.abort();
    this.#waiters.add(changed);
    if (this.#status === status) await sleep(milliseconds, AbortSignal.any([stop, over.signal]));
    this.#waiters.delete(changed);
  }

  /** Gives the place up, if it is still one. */
  async leave(): Promise<void> {
    if (this.hasEnded) return;
    const { leaveQueue } = await this.#ask(LeaveQueueDocument, { value: this.value }, this.#who);
    this.#take(leaveQueue.status);
  }

  async #subscribe(stop: AbortSignal): Promise<void> {
    const client = createClient({
      url: this.#ask.url.replace(/^http/, 'ws'),
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${this.#who.accessToken}` },
      retryAttempts: 0,
    });
    const close = (): void => void client.dispose();
    stop.addEventListener('abort', close);
    try {
      const events = client.iterate<PlaceChangesSubscription>({
        query: textOf(PlaceChangesDocument),
        variables: { value: this.value },
      });
      for await (const { data } of events) if (data) this.#take(data.queuePosition.status);
    } finally {
      stop.removeEventListener('abort', close);
      await client.dispose();
    }
  }

  #take(status: QueueTokenStatus): void {
    if (status === this.#status) return;
    this.#status = status;
    this.#onStatus(status);
    for (const wake of this.#waiters) wake();
  }
}
