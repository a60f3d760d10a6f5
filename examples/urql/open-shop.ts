// urql for Onsale: what it needs beyond its defaults. ../../docs/clients.md says why.
import {
  Client,
  type CombinedError,
  fetchExchange,
  makeOperation,
  mapExchange,
  type OperationResult,
  subscriptionExchange,
} from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';
import { retryExchange } from '@urql/exchange-retry';
import { getOperationAST } from 'graphql';
import { onEnd, pipe, subscribe } from 'wonka';
import { ApiError, hashOf, MAX_PAUSE_MS, MAX_TRIES, type OpenShop, pauseAfter } from '../shop.ts';
import { headersOf, openSocket } from '../socket.ts';

export const openShop: OpenShop = (url, credentials, naming) => {
  const socket = openSocket(url, credentials);
  const signed = mapExchange({
    onOperation: (operation) => {
      const headers = headersOf(credentials);
      if (Object.keys(headers).length === 0) return operation;
      // urql sends queries by GET, which Onsale serves to strangers, so that a CDN can keep the answers. With credentials
      // it serves POST alone.
      const context = { ...operation.context, fetchOptions: { headers }, preferGetMethod: false };
      return makeOperation(operation.kind, operation, context);
    },
  });
  const client = new Client({
    url,
    exchanges: [
      retryExchange({
        initialDelayMs: 1_000,
        maxDelayMs: MAX_PAUSE_MS,
        maxNumberAttempts: MAX_TRIES,
        retryIf: ({ graphQLErrors }) => pauseAfter(graphQLErrors[0]) !== undefined,
      }),
      ...(naming === 'hash' ? [byHash] : []),
      // Behind the one before, which asks for GET again.
      signed,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, ...request }) => ({
          subscribe: (sink) => ({ unsubscribe: socket.subscribe({ ...request, query: query ?? '' }, sink) }),
        }),
      }),
    ],
  });
  return {
    ask: async (document, variables) => {
      const isQuery = getOperationAST(document)?.operation === 'query';
      return dataOf(await (isQuery ? client.query(document, variables) : client.mutation(document, variables)));
    },
    watch: (document, variables, isWanted) =>
      new Promise((resolve, reject) => {
        const events = pipe(
          client.subscription(document, variables),
          onEnd(() => reject(new Error('the subscription ended'))),
          subscribe(({ data, error }) => {
            if (error) return reject(toApiError(error));
            if (!isWanted(data!)) return;
            resolve(data!);
            events.unsubscribe();
          }),
        );
      }),
    close: () => socket.dispose(),
  };
};

const byHash = persistedExchange({
  enforcePersistedQueries: true,
  enableForMutation: true,
  enableForSubscriptions: true,
  generateHash: async (_text, document) => hashOf(document),
});

function dataOf<Data>({ data, error }: OperationResult<Data>): Data {
  if (error) throw toApiError(error);
  return data!;
}

function toApiError(error: CombinedError): Error {
  const [first] = error.graphQLErrors;
  return first ? new ApiError(first) : error;
}
