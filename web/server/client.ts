import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { SetContextLink } from '@apollo/client/link/context';
import { ErrorLink } from '@apollo/client/link/error';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { relayStylePagination } from '@apollo/client/utilities';
import { createClient } from 'graphql-ws';
import { from, mergeMap, throwError, timer } from 'rxjs';
import possibleTypes from '../../schema/possible-types.json';
import { freshToken, renew } from '../account/session.ts';
import { noteServerTime } from './clock.ts';
import { noteConnection } from './connection.ts';
import { faultOf } from './faults.ts';

/** How often a query that met an outage is asked again. */
const MAX_TRIES = 3;
/** Longest wait before a query is asked again, in milliseconds: for more the page says how long to wait. */
const MAX_PATIENCE_MS = 5_000;
const SESSION_ENDED = 4403;

async function askServer(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  try {
    const response = await fetch(input, init);
    noteServerTime(response.headers.get('date'));
    noteConnection(true);
    return response;
  } catch (error) {
    if (!init?.signal?.aborted) noteConnection(false);
    throw error;
  }
}

/** Adds the access token, which is renewed before it ends, and the queue token that the operation was given. */
const authorize = new SetContextLink(async ({ headers, queueToken, isAnonymous }) => {
  const token = isAnonymous ? undefined : await freshToken();
  return {
    headers: {
      ...headers,
      ...(token && { authorization: `Bearer ${token}` }),
      ...(queueToken && { 'x-queue-token': queueToken }),
    },
  };
});

/** Asks once more with a new access token where the old one is refused, and queries again after an outage. */
const askAgain = new ErrorLink(({ error, operation, forward }) => {
  const { tries = 0, isAnonymous, isPoll } = operation.getContext();
  const { code, retryAfterMs } = faultOf(error);
  const again = (): ReturnType<typeof forward> => {
    operation.setContext({ tries: tries + 1 });
    return forward(operation);
  };
  if (code === 'UNAUTHENTICATED' && tries === 0 && !isAnonymous) {
    return from(renew()).pipe(mergeMap((isRenewed) => (isRenewed ? again() : throwError(() => error))));
  }
  if (operation.operationType !== 'query' || isPoll || tries >= MAX_TRIES) return undefined;
  const wait = code === 'RATE_LIMITED' ? (retryAfterMs ?? 0) : 500 * 2 ** tries * (1 + Math.random());
  const isPassing = code === 'SERVICE_UNAVAILABLE' || code === 'OFFLINE' || code === 'RATE_LIMITED';
  return isPassing && wait <= MAX_PATIENCE_MS ? timer(wait).pipe(mergeMap(again)) : undefined;
});

let isSessionOver = false;
let isOpen = false;

/** Whether subscriptions have a socket now; `socket.on` tells of changes. */
export function isSocketOpen(): boolean {
  return isOpen;
}

/** One socket for all subscriptions; it connects again by itself, ever more slowly. */
export const socket = createClient({
  url: `${location.origin.replace(/^http/, 'ws')}/graphql`,
  connectionParams: async () => {
    if (isSessionOver) await renew();
    isSessionOver = false;
    const token = await freshToken();
    return token ? { authorization: `Bearer ${token}` } : {};
  },
  retryAttempts: Number.POSITIVE_INFINITY,
  shouldRetry: () => true,
  retryWait: (retries) =>
    new Promise((over) => setTimeout(over, Math.min(8_000, 500 * 2 ** retries) * Math.random() + 250)),
  keepAlive: 10_000,
  on: {
    connected: () => {
      isOpen = true;
    },
    closed: (event) => {
      isOpen = false;
      isSessionOver = (event as CloseEvent).code === SESSION_ENDED;
    },
  },
});

export const client = new ApolloClient({
  link: ApolloLink.split(
    ({ operationType }) => operationType === 'subscription',
    new GraphQLWsLink(socket),
    ApolloLink.from([askAgain, authorize, new HttpLink({ uri: '/graphql', fetch: askServer })]),
  ),
  cache: new InMemoryCache({
    possibleTypes,
    typePolicies: {
      QueueToken: { keyFields: ['value'] },
      // There is one of each for whoever uses the page.
      Settings: { keyFields: [] },
      Wallet: { keyFields: [], fields: { entries: relayStylePagination() } },
      Query: {
        fields: {
          concerts: relayStylePagination(),
          orders: relayStylePagination(),
          products: relayStylePagination(['filter', 'sort']),
          reservations: relayStylePagination(['status']),
        },
      },
    },
  }),
});
