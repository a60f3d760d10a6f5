// Relay's Environment for Onsale: queries and mutations by fetch, subscriptions over the WebSocket.
import { setTimeout as wait } from 'node:timers/promises';
import {
  commitMutation,
  Environment,
  fetchQuery,
  type GraphQLResponse,
  type GraphQLTaggedNode,
  type MutationParameters,
  Network,
  Observable,
  type OperationType,
  RecordSource,
  type RequestParameters,
  requestSubscription,
  Store,
  type Variables,
} from 'relay-runtime';
import { ApiError, type Credentials, MAX_TRIES, pauseAfter, type TopLevelError } from '../shop.ts';
import { headersOf, openSocket } from '../socket.ts';
import texts from './persisted.json' with { type: 'json' };

interface Answer {
  readonly data?: object | null;
  readonly errors?: readonly TopLevelError[];
}

/** An environment on the API at `url`. `close` closes its socket. */
export function openEnvironment(url: string, credentials: Credentials) {
  const socket = openSocket(url, credentials);

  const post = async (body: object): Promise<GraphQLResponse> => {
    const headers = { 'content-type': 'application/json', ...headersOf(credentials) };
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
    const answer = (await response.json()) as Answer;
    // Relay itself would pass over the error of a field that can be null.
    if (answer.errors?.[0]) throw new ApiError(answer.errors[0]);
    return answer as GraphQLResponse;
  };

  const send = async (request: RequestParameters, variables: Variables): Promise<GraphQLResponse> => {
    const extensions = { persistedQuery: { version: 1, sha256Hash: request.id } };
    let query: string | undefined;
    for (let tries = 1; ; tries++) {
      try {
        return await post({ operationName: request.name, query, variables, extensions });
      } catch (error) {
        const answered = error instanceof ApiError ? error : undefined;
        // The process sees the document for the first time. With a list of trusted documents it has seen them all.
        const isUnknown = answered?.code === 'PERSISTED_QUERY_NOT_FOUND';
        if (isUnknown) query = textOf(request);
        const pause = isUnknown ? 0 : pauseAfter(answered);
        if (pause === undefined || tries === MAX_TRIES) throw error;
        await wait(pause);
      }
    }
  };

  const subscribe = (request: RequestParameters, variables: Variables): Observable<GraphQLResponse> =>
    Observable.create((sink) =>
      socket.subscribe(
        { operationName: request.name, query: textOf(request), variables },
        {
          next: (answer) => sink.next(answer as GraphQLResponse),
          complete: () => sink.complete(),
          error: (failure) => sink.error(Array.isArray(failure) ? new ApiError(failure[0]) : (failure as Error)),
        },
      ),
    );

  const environment = new Environment({
    network: Network.create(send, subscribe),
    store: new Store(new RecordSource()),
  });
  return { environment, close: () => socket.dispose() };
}

/** The text of a document, which is in the list to the byte. */
function textOf({ id }: RequestParameters): string {
  return (texts as Record<string, string>)[id!]!;
}

/** Sends a query, and gives its data. */
export async function query<Operation extends OperationType>(
  environment: Environment,
  document: GraphQLTaggedNode,
  variables: Operation['variables'],
): Promise<Operation['response']> {
  const data = await fetchQuery<Operation>(environment, document, variables).toPromise();
  return data!;
}

/** Sends a mutation, and gives its data. */
export function mutate<Operation extends MutationParameters>(
  environment: Environment,
  mutation: GraphQLTaggedNode,
  variables: Operation['variables'],
): Promise<Operation['response']> {
  return new Promise((resolve, reject) => {
    commitMutation<Operation>(environment, { mutation, variables, onCompleted: resolve, onError: reject });
  });
}

/** Subscribes until an event is the wanted one, and gives its data. */
export function watch<Operation extends OperationType>(
  environment: Environment,
  subscription: GraphQLTaggedNode,
  variables: Operation['variables'],
  isWanted: (data: Operation['response']) => boolean,
): Promise<Operation['response']> {
  return new Promise((resolve, reject) => {
    const events = requestSubscription<Operation>(environment, {
      subscription,
      variables,
      onNext: (data) => {
        if (!data || !isWanted(data)) return;
        events.dispose();
        resolve(data);
      },
      onCompleted: () => reject(new Error('the subscription ended')),
      onError: reject,
    });
  });
}
