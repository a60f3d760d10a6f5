// The WebSocket of all clients: for subscriptions alone, since Onsale serves queries and mutations over HTTP.
import { type Client, createClient } from 'graphql-ws';
import type { Credentials } from './shop.ts';

/**
 * A socket that is opened when something is watched, and opened again when it breaks: each subscription starts anew then.
 * @param url of the API, such as http://127.0.0.1:4000/graphql
 * @param retryAttempts how often in a row it is tried again, after longer and longer pauses
 */
export function openSocket(url: string, credentials: Credentials, retryAttempts = 20): Client {
  const socket = createClient({
    url: url.replace(/^http/, 'ws'),
    // A function, not an object: a socket that is opened again must not send a token that was renewed meanwhile.
    connectionParams: () => ({
      ...(credentials.accessToken && { authorization: `Bearer ${credentials.accessToken}` }),
      ...(credentials.queueToken && { queueToken: credentials.queueToken }),
    }),
    retryAttempts,
    // Unless told so, graphql-ws gives up at once when a connection breaks or cannot be made, and tries again only after
    // the server has closed one. What it takes for fatal in any case are faults of the client.
    shouldRetry: () => true,
  });
  return {
    ...socket,
    // A hash comes alone. The protocol wants a text all the same.
    subscribe: ({ query, ...payload }, sink) =>
      socket.subscribe({ ...payload, query: payload.extensions?.persistedQuery ? '' : query }, sink),
  };
}

/** The same over HTTP. */
export function headersOf({ accessToken, queueToken }: Credentials): Record<string, string> {
  return {
    ...(accessToken && { authorization: `Bearer ${accessToken}` }),
    ...(queueToken && { 'x-queue-token': queueToken }),
  };
}
