import { appendFileSync } from 'node:fs';
import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';

/** What a field answered: tests read what they asked for. */
// biome-ignore lint/suspicious/noExplicitAny: the shape is what the query says
export type Data = any;

export interface GraphqlError {
  readonly message: string;
  readonly path?: (string | number)[];
  readonly extensions: {
    code: string;
    requestId?: string;
    queue?: { id: string; state: string };
    retryAfterMs?: number;
    argument?: string;
  };
}

export interface Answer {
  readonly status: number;
  readonly data: Data;
  readonly errors: GraphqlError[] | undefined;
}

/** Sends one operation over HTTP. */
export async function post(
  url: string,
  query: string,
  variables: object = {},
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as Omit<Answer, 'status'>;
  return { status: response.status, data, errors };
}

/** How often one asks who is told that a busy machine ran out of time. */
const MAX_TRIES = 8;
/** Every wait of a request for something lasts as long, or longer, before it gives up. */
const SHORTEST_WAIT_MS = 1_000;

let asked = 0;

/**
 * Tells of the first, the tenth, the hundredth time in a file, since a crowd would fill the log, and adds each time to the
 * file ASKED_AGAIN, if there is one.
 */
function tellOfAsking(why: string): void {
  asked++;
  if (process.env.ASKED_AGAIN) appendFileSync(process.env.ASKED_AGAIN, `${why}\n`);
  if (Number.isInteger(Math.log10(asked))) process.stderr.write(`asked again, ${asked} so far: ${why}\n`);
}

/**
 * A signed-in user at one process; `at` gives the same user at another one, `withToken` with a queue token, and `hasty`
 * one who never asks again.
 */
export class Buyer {
  readonly id: string;
  readonly accessToken: string;
  readonly url: string;
  readonly queueToken: string | undefined;
  readonly #mostTries: number;

  constructor(id: string, accessToken: string, url: string, queueToken?: string, mostTries = MAX_TRIES) {
    this.id = id;
    this.accessToken = accessToken;
    this.url = url;
    this.queueToken = queueToken;
    this.#mostTries = mostTries;
  }

  at(url: string): Buyer {
    return new Buyer(this.id, this.accessToken, url, this.queueToken, this.#mostTries);
  }

  withToken(queueToken: string | undefined): Buyer {
    return new Buyer(this.id, this.accessToken, this.url, queueToken, this.#mostTries);
  }

  hasty(): Buyer {
    return new Buyer(this.id, this.accessToken, this.url, this.queueToken, 1);
  }

  ask(query: string, variables: object = {}): Promise<Answer> {
    const token: Record<string, string> = this.queueToken === undefined ? {} : { 'x-queue-token': this.queueToken };
    return post(this.url, query, variables, { authorization: `Bearer ${this.accessToken}`, ...token });
  }

  /**
   * The data of an operation that must not fail. Who ran out of time, which happens where a machine stands still, asks
   * again with the same key, as the answer says, and the log of the tests tells so: on a quiet machine nobody should. Who
   * waited in vain for a lock looks the same, so that where nobody may be refused it has to be asserted in another way, or
   * asked by a `hasty` one.
   */
  async get(query: string, variables: object = {}): Promise<Data> {
    for (let tries = 1; ; tries++) {
      const start = performance.now();
      const { data, errors } = await this.ask(query, variables);
      if (!errors) return data;
      const ms = Math.round(performance.now() - start);
      const isUnavailable = errors.every(({ extensions }) => extensions.code === 'SERVICE_UNAVAILABLE');
      if (ms < SHORTEST_WAIT_MS || !isUnavailable || tries >= this.#mostTries) throw new Error(JSON.stringify(errors));
      tellOfAsking(`${errors[0]?.path?.join('.')} was SERVICE_UNAVAILABLE after ${ms} ms`);
    }
  }

  /** The code of the one error of an operation that must fail. */
  async fail(query: string, variables: object = {}): Promise<string> {
    const { data, errors } = await this.ask(query, variables);
    if (errors?.length !== 1) throw new Error(`expected one error, got ${JSON.stringify({ data, errors })}`);
    return errors[0]?.extensions.code ?? '';
  }

  /** Subscribes over a socket of its own. */
  watch(query: string, variables: object = {}): Feed {
    const params = { authorization: `Bearer ${this.accessToken}`, queueToken: this.queueToken };
    return new Feed(this.url, params, query, variables);
  }
}

/** What one subscription has told so far. */
export class Feed {
  readonly events: Data[] = [];
  /** Resolves when the server ended the subscription; with its errors when it refused. */
  readonly ended: Promise<GraphqlError[] | undefined>;
  /** Code and reason with which the socket was closed. */
  closed: { code: number; reason: string } | undefined;
  readonly #client: Client;
  readonly #waiters = new Set<() => void>();

  constructor(url: string, connectionParams: Record<string, unknown>, query: string, variables: object) {
    this.#client = createClient({
      url: url.replace(/^http/, 'ws'),
      webSocketImpl: WebSocket,
      connectionParams,
      retryAttempts: 0,
      on: {
        closed: (event) => {
          const { code, reason } = event as { code: number; reason: string };
          this.closed = { code, reason };
        },
      },
    });
    this.ended = new Promise((resolve) => {
      const take = (event: Data): void => {
        this.events.push(event.data ?? event);
        for (const wake of this.#waiters) wake();
      };
      const fail = (errors: unknown): void => resolve(Array.isArray(errors) ? errors : []);
      this.#client.subscribe(
        { query, variables: variables as Record<string, unknown> },
        {
          next: take,
          error: fail,
          complete: () => resolve(undefined),
        },
      );
    });
  }

  /** The first event, from `from` on, that satisfies `wanted`; fails after `withinMs`. */
  async until(wanted: (event: Data) => boolean, withinMs = 20_000, from = 0): Promise<Data> {
    const deadline = Date.now() + withinMs;
    for (;;) {
      const found = this.events.slice(from).find(wanted);
      if (found) return found;
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`not heard within ${withinMs} ms; heard ${JSON.stringify(this.events)}`);
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          this.#waiters.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, left);
        this.#waiters.add(wake);
      });
    }
  }

  close(): Promise<void> {
    return Promise.resolve(this.#client.dispose());
  }
}
