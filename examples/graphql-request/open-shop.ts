// graphql-request for Onsale, with graphql-ws for subscriptions and graphql-sse where a WebSocket cannot pass.
// ../../docs/clients.md says what these need.
import { setTimeout as wait } from 'node:timers/promises';
import { ClientError, GraphQLClient } from 'graphql-request';
import { createClient as createStream } from 'graphql-sse';
import texts from '../gql/persisted-documents.json' with { type: 'json' };
import { ApiError, hashOf, MAX_TRIES, type OpenShop, pauseAfter, type TopLevelError } from '../shop.ts';
import { headersOf, openSocket } from '../socket.ts';

/** What both transports of subscriptions tell. */
interface Event<Data> {
  readonly data?: Data | null;
  readonly errors?: readonly TopLevelError[];
}

export const openShop: OpenShop = (url, credentials) => {
  const client = new GraphQLClient(url, { headers: () => headersOf(credentials) });
  // Tried again once: then the stream takes over.
  const socket = openSocket(url, credentials, 1);
  // A stream for each subscription: Onsale serves the distinct connections mode.
  const stream = createStream({ url: `${url}/stream`, headers: () => headersOf(credentials), retryAttempts: 20 });
  return {
    ask: async (document, variables) => {
      for (let tries = 1; ; tries++) {
        try {
          // Outside of a function for any document, `client.request(PayDocument, { input })` is typed by the document.
          const { data } = await client.rawRequest(textOf(document), variables);
          return data as never;
        } catch (error) {
          const first = error instanceof ClientError ? error.response.errors?.[0] : undefined;
          const pause = pauseAfter(first);
          if (pause === undefined || tries === MAX_TRIES) throw first ? new ApiError(first) : error;
          await wait(pause);
        }
      }
    },
    watch: async (document, variables, isWanted) => {
      const request = { query: textOf(document), variables };
      try {
        return await find(socket.iterate(request) as AsyncIterable<Event<never>>, isWanted);
      } catch (error) {
        // What refuses the subscription is thrown as a list.
        if (Array.isArray(error)) throw new ApiError(error[0]);
        return find(stream.iterate(request) as AsyncIterable<Event<never>>, isWanted);
      }
    },
    close: async () => {
      await socket.dispose();
      stream.dispose();
    },
  };
};

/** The text that is in the list, to the byte: so it is served from the list too. */
function textOf(document: object): string {
  return texts[`sha256:${hashOf(document)}` as keyof typeof texts];
}

/** The data of the first event that is wanted; leaves the subscription then. */
async function find<Data>(events: AsyncIterable<Event<Data>>, isWanted: (data: Data) => boolean): Promise<Data> {
  for await (const { data, errors } of events) {
    if (errors?.[0]) throw new ApiError(errors[0]);
    if (data && isWanted(data)) return data;
  }
  throw new Error('the subscription ended');
}
