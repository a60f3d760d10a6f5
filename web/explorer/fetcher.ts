import type { Fetcher, FetcherOpts, FetcherParams } from '@graphiql/toolkit';
import { type ExecutionResult, getOperationAST, OperationTypeNode } from 'graphql';
import { createClient } from 'graphql-ws';

/** Where the explorer was loaded from. */
const PATH = '/graphql';

/** Hears what GraphiQL shows. */
export interface Listener {
  onAnswer(result: ExecutionResult): void;
  /** An operation is over: a query or mutation was answered, a subscription has ended or was stopped. */
  onEnd(operationName: string | undefined): void;
}

type Headers = Record<string, string>;

/** Asks over HTTP and subscribes over graphql-ws, both with the headers of the editor, and tells the listener. */
export function fetcherFor(listener: Listener): Fetcher {
  return (params, { headers = {}, documentAST }: FetcherOpts = {}) => {
    const operation = documentAST && getOperationAST(documentAST, params.operationName);
    if (params.operationName === 'IntrospectionQuery' && !operation) return ask(params, headers);
    if (operation?.operation === OperationTypeNode.SUBSCRIPTION) return subscribe(params, headers, listener);
    return answered(params, headers, listener);
  };
}

async function answered(params: FetcherParams, headers: Headers, listener: Listener): Promise<ExecutionResult> {
  const result = await ask(params, headers);
  listener.onAnswer(result);
  listener.onEnd(params.operationName ?? undefined);
  return result;
}

async function ask(params: FetcherParams, headers: Headers): Promise<ExecutionResult> {
  const response = await fetch(PATH, {
    method: 'POST',
    headers: { accept: 'application/graphql-response+json', 'content-type': 'application/json', ...headers },
    body: JSON.stringify(params),
  });
  return (await response.json()) as ExecutionResult;
}

/** The events of a subscription, over a socket of its own: the headers belong to the socket. */
function subscribe(
  { query, variables, operationName }: FetcherParams,
  headers: Headers,
  listener: Listener,
): AsyncIterableIterator<ExecutionResult> {
  const url = new URL(PATH, location.href.replace(/^http/, 'ws')).href;
  const { authorization, 'x-queue-token': queueToken } = headers;
  const connectionParams = { ...(authorization && { authorization }), ...(queueToken && { queueToken }) };
  const client = createClient({ url, connectionParams, retryAttempts: 0 });
  const events = client.iterate({ query, variables, operationName });
  const end = (): void => {
    listener.onEnd(operationName ?? undefined);
    void client.dispose();
  };
  // A generator would end only with the next event.
  return {
    async next() {
      const event = await events.next().catch((error: unknown) => {
        end();
        throw readable(error);
      });
      if (event.done) end();
      else listener.onAnswer(event.value as ExecutionResult);
      return event as IteratorResult<ExecutionResult>;
    },
    async return() {
      await events.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** The server says by closing the socket that it refuses a token. */
function readable(error: unknown): unknown {
  return error instanceof CloseEvent ? new Error(`The socket was closed: ${error.code} ${error.reason}`) : error;
}
