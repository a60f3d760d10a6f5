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

/** A signed-in user at one process; `at` gives the same user at another one, `withToken` with a queue token. */
export class Buyer {
  readonly id: string;
  readonly accessToken: string;
  readonly url: string;
  readonly queueToken: string | undefined;

  constructor(id: string, accessToken: string, url: string, queueToken?: string) {
    this.id = id;
    this.accessToken = accessToken;
    this.url = url;
    this.queueToken = queueToken;
  }

  at(url: string): Buyer {
    return new Buyer(this.id, this.accessToken, url, this.queueToken);
  }

  withToken(queueToken: string | undefined): Buyer {
    return new Buyer(this.id, this.accessToken, this.url, queueToken);
  }

  ask(query: string, variables: object = {}): Promise<Answer> {
    const token: Record<string, string> = this.queueToken === undefined ? {} : { 'x-queue-token': this.queueToken };
    return post(this.url, query, variables, { authorization: `Bearer ${this.accessToken}`, ...token });
  }

  /** The data of an operation that must not fail. */
  async get(query: string, variables: object = {}): Promise<Data> {
    const { data, errors } = await this.ask(query, variables);
    if (errors) throw new Error(JSON.stringify(errors));
    return data;
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
  async until(wanted: (event: Data) => boolean, withinMs = 5_000, from = 0): Promise<Data> {
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
