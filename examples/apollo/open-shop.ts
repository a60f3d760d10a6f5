// Apollo Client 4 for Onsale: what it needs beyond its defaults. ../../docs/clients.md says why.
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache } from '@apollo/client';
import { SetContextLink } from '@apollo/client/link/context';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { getOperationAST } from 'graphql';
import { filter, firstValueFrom, map, retry, throwError, timer } from 'rxjs';
import possibleTypes from '../../schema/possible-types.json' with { type: 'json' };
import { ApiError, hashOf, MAX_TRIES, type OpenShop, pauseAfter } from '../shop.ts';
import { headersOf, openSocket } from '../socket.ts';

export const openShop: OpenShop = (url, credentials, naming) => {
  const socket = openSocket(url, credentials);
  const signed = new SetContextLink(({ headers }) => ({ headers: { ...headers, ...headersOf(credentials) } }));
  const overHttp = ApolloLink.from([sentAgain, signed, new HttpLink({ uri: url })]);
  const overSocket = new GraphQLWsLink(socket);
  const link = ApolloLink.split(({ operationType }) => operationType === 'subscription', overSocket, overHttp);
  const client = new ApolloClient({
    link: naming === 'hash' ? new PersistedQueryLink({ generateHash: hashOf }).concat(link) : link,
    // Without these Apollo does not know that a SeatsUnavailable is a Problem, and drops what `... on Problem` selects: a
    // refusal would arrive without its code, in silence.
    cache: new InMemoryCache({ possibleTypes }),
    // Seats and dates change by the second. A page would keep what is the same for everybody (settings, concerts).
    defaultOptions: { query: { fetchPolicy: 'network-only' } },
  });
  return {
    ask: async (document, variables) => {
      const isQuery = getOperationAST(document)?.operation === 'query';
      const sent = isQuery
        ? client.query({ query: document, variables })
        : client.mutate({ mutation: document, variables });
      const { data } = await sent.catch((error: unknown) => {
        throw toApiError(error);
      });
      return data!;
    },
    watch: (document, variables, isWanted) => {
      const events = client.subscribe({ query: document, variables });
      const told = events.pipe(
        map(({ data, error }) => {
          if (error) throw toApiError(error);
          return data!;
        }),
      );
      return firstValueFrom(told.pipe(filter(isWanted)));
    },
    close: () => socket.dispose(),
  };
};

const sentAgain = new ApolloLink((operation, forward) =>
  forward(operation).pipe(
    map((result) => {
      if (result.errors) throw new CombinedGraphQLErrors(result);
      return result;
    }),
    retry({
      count: MAX_TRIES - 1,
      delay: (error) => {
        const pause = pauseAfter(CombinedGraphQLErrors.is(error) ? error.errors[0] : undefined);
        return pause === undefined ? throwError(() => error) : timer(pause);
      },
    }),
  ),
);

function toApiError(error: unknown): unknown {
  return CombinedGraphQLErrors.is(error) ? new ApiError(error.errors[0]!) : error;
}
