import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { textOf } from '../../web/server/document-text.ts';
import { sleep } from './pace.ts';

/** As whom to ask. */
export interface Who {
  readonly accessToken?: string;
  readonly queueToken?: string;
}

/** Sends one operation and answers its data. */
export interface Ask {
  <Result, Variables>(document: TypedDocumentNode<Result, Variables>, variables: Variables, who?: Who): Promise<Result>;
  readonly url: string;
}

/** The server's "no" at the top level of an answer. */
export class AskError extends Error {
  readonly code: string;
  /** When to ask again, in milliseconds, where the server says so. */
  readonly retryAfterMs: number | undefined;

  constructor(code: string, message: string, retryAfterMs?: number) {
    super(`${code}: ${message}`);
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

interface Answer<T> {
  readonly data?: T;
  readonly errors?: readonly {
    readonly message: string;
    readonly extensions?: { readonly code?: string; readonly retryAfterMs?: number };
  }[];
}

const MAX_TRIES = 5;
const TRY_TIMEOUT_MS = 35_000;
const AWAY = 'AWAY';

/**
 * A function that asks the server at `url`. What had no answer, or SERVICE_UNAVAILABLE or RATE_LIMITED for one, is asked
 * again: every operation of the crowd may be sent twice. Once `stop` is given, nothing is tried again.
 */
export function asker(url: string, stop: AbortSignal): Ask {
  const ask = async <Result, Variables>(
    document: TypedDocumentNode<Result, Variables>,
    variables: Variables,
    who: Who = {},
  ): Promise<Result> => {
    const body = JSON.stringify({ query: textOf(document), variables });
    for (let tries = 1; ; tries++) {
      try {
        return await post<Result>(url, body, who);
      } catch (error) {
        const again = error instanceof AskError && [AWAY, 'SERVICE_UNAVAILABLE', 'RATE_LIMITED'].includes(error.code);
        if (!again || tries === MAX_TRIES || stop.aborted) throw error;
        await sleep(error.retryAfterMs ?? 500 * tries, stop);
      }
    }
  };
  return Object.assign(ask, { url });
}

async function post<T>(url: string, body: string, who: Who): Promise<T> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(who.accessToken && { authorization: `Bearer ${who.accessToken}` }),
      ...(who.queueToken && { 'x-queue-token': who.queueToken }),
    },
    body,
    signal: AbortSignal.timeout(TRY_TIMEOUT_MS),
  }).catch((error: Error) => {
    throw new AskError(
      AWAY,
      `${url} does not answer (${(error.cause as Error | undefined)?.message ?? error.message})`,
    );
  });
  const answer = (await response.json().catch(() => ({}))) as Answer<T>;
  const [error] = answer.errors ?? [];
  if (error) throw new AskError(error.extensions?.code ?? 'UNKNOWN', error.message, error.extensions?.retryAfterMs);
  if (!answer.data) throw new AskError(AWAY, `${url} answered ${response.status}, and not in GraphQL`);
  return answer.data;
}
