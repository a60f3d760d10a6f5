import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ExecutionResult, GraphQLError } from 'graphql';
import { createHandler, type Handler, type RequestParams } from 'graphql-sse';
import { authenticate } from '../accounts/authenticate.ts';
import { watchSession } from '../accounts/endings.ts';
import { raiseFault } from '../alerts/raise-fault.ts';
import { REQUEST_ID } from '../platform/http.ts';
import type { Platform } from '../platform/platform.ts';
import { Stream } from '../platform/streams.ts';
import { isRecord } from './asked.ts';
import { clientAddress } from './client-address.ts';
import type { Caller, Client } from './context.ts';
import type { Documents } from './documents.ts';
import { presentAll } from './errors.ts';
import { admitGuest } from './guests.ts';
import { GRAPHQL_PATH } from './http.ts';
import { CallerError } from './problems.ts';
import { shedAnonymous } from './shed-load.ts';
import { openSubscription, type Subscription } from './subscription.ts';

const STREAM_PATH = `${GRAPHQL_PATH}/stream`;
const EVENT_STREAM = 'text/event-stream';

/** A request for a stream, with the subscription once that has been found valid. */
interface StreamRequest {
  readonly headers: FastifyRequest['headers'];
  readonly caller: Caller | null;
  readonly requestId: string;
  readonly stream: Stream;
  readonly client: Client;
  subscription?: Subscription;
}

/**
 * Serves subscriptions as GraphQL over SSE, each on a response of its own ("distinct connections mode"), to POST of JSON
 * only: no page of another origin can send that without asking first.
 */
export function serveStreams(http: FastifyInstance, platform: Platform, documents: Documents): void {
  const open = new Set<AsyncGenerator<string>>();
  const handle = createHandler<StreamRequest>({
    authenticate: () => '',
    onSubscribe: ({ raw }, params) => begin(platform, documents, raw, params),
  });
  http.post(STREAM_PATH, async (request, reply) => {
    const accept = request.headers.accept ?? '*/*';
    if (![EVENT_STREAM, '*/*'].some((type) => accept.includes(type))) {
      return refuse(reply, 406, `A stream is sent as ${EVENT_STREAM}.`);
    }
    const caller = await authenticate(platform, request.headers.authorization).catch((error: unknown) => {
      void reply
        .code(error instanceof CallerError ? 401 : 503)
        .send({ errors: presentAll(platform, [error as Error], request.id) });
    });
    if (caller === undefined) return reply;
    const address = clientAddress(platform, request);
    const busy = shedAnonymous(platform, caller);
    if (busy) return reply.code(429).send({ errors: presentAll(platform, [busy], request.id) });
    const release = caller ? undefined : admitGuest(platform, { address, leave: () => reply.raw.destroy() });
    const stream = new Stream(reply.raw, platform.config.WS_MAX_BUFFERED_BYTES);
    const { headers, id: requestId } = request;
    const client = { address, isGone: () => request.socket.destroyed };
    try {
      return await answer(platform, handle, { headers, caller, requestId, stream, client }, request, reply, open);
    } finally {
      release?.();
    }
  });
  http.route({
    method: ['GET', 'PUT', 'PATCH', 'DELETE'],
    url: STREAM_PATH,
    handler: (_request, reply) => refuse(reply.header('allow', 'POST'), 405, 'A stream is asked for with POST.'),
  });
  // Ended without `complete`, so that clients ask again: another process, or the next one, serves.
  http.addHook('preClose', async () => {
    await Promise.all([...open].map((body) => body.return(undefined)));
  });
}

async function answer(
  platform: Platform,
  handle: Handler<StreamRequest>,
  streamRequest: StreamRequest,
  { method, url, headers, body: sent }: FastifyRequest,
  reply: FastifyReply,
  open: Set<AsyncGenerator<string>>,
): Promise<FastifyReply> {
  const get = (name: string): string | undefined => (name === 'accept' ? EVENT_STREAM : (headers[name] as string));
  // The library wants a text of every request; where a hash comes alone, it is empty.
  const json =
    isRecord(sent) && isRecord(sent.extensions) && sent.extensions.persistedQuery
      ? { ...sent, query: sent.query ?? '' }
      : sent;
  const [body, init] = await handle({
    method,
    url,
    headers: { get },
    body: isRecord(json) ? json : null,
    raw: streamRequest,
    context: undefined,
  });
  if (!body || typeof body === 'string') return refuse(reply, init.status, faultIn(body));
  reply.hijack();
  open.add(body);
  const unwatch = endWithSession(platform, streamRequest);
  const head = {
    ...(reply.getHeaders() as Record<string, string>),
    ...init.headers,
    'x-accel-buffering': 'no',
    [REQUEST_ID]: streamRequest.requestId,
    ...(headers.origin !== undefined && { 'access-control-expose-headers': REQUEST_ID }),
  };
  await streamRequest.stream.run(head, body).catch((error: unknown) => {
    const { requestId } = streamRequest;
    platform.log.error({ requestId, err: error }, 'a stream failed through a fault of ours');
    raiseFault(platform, 'FAULT', 'A stream failed through a fault of Onsale', error, requestId);
  });
  unwatch();
  open.delete(body);
  return reply;
}

/** What the stream carries: the subscription, or as its one result what is wrong with it. */
async function begin(
  platform: Platform,
  documents: Documents,
  streamRequest: StreamRequest,
  params: RequestParams,
): Promise<AsyncIterable<ExecutionResult>> {
  const { caller, headers, requestId, stream, client } = streamRequest;
  const next = (result: string): Promise<void> => stream.write(`event: next\ndata: ${result}\n\n`);
  const queueToken = params.extensions?.queueToken ?? headers['x-queue-token'];
  const subscriber = { caller, queueToken, requestId, client };
  const opened = await openSubscription(platform, documents, params, subscriber, {
    transport: 'sse',
    next,
    last: next,
  });
  if ('length' in opened) return refusal(platform, opened, requestId);
  streamRequest.subscription = opened;
  return opened;
}

async function* refusal(
  platform: Platform,
  errors: readonly GraphQLError[],
  requestId: string,
): AsyncGenerator<ExecutionResult> {
  yield { errors: presentAll(platform, errors, requestId) as unknown as GraphQLError[] };
}

/** A stream ends with the session or access token that opened it. @returns a function that no longer waits for that */
function endWithSession(platform: Platform, { caller, requestId, stream, subscription }: StreamRequest): () => void {
  if (!caller || !subscription) return () => undefined;
  const end = (): void => {
    const errors = presentAll(platform, [new CallerError('UNAUTHENTICATED')], requestId);
    void stream.write(`event: next\ndata: ${JSON.stringify({ errors })}\n\n`);
    void subscription.return();
  };
  return watchSession(platform, caller, end);
}

/** What the library found wrong with the request itself. */
function faultIn(body: string | null): string {
  return body === null
    ? 'A stream is asked for with a body of JSON.'
    : (JSON.parse(body) as { errors: { message: string }[] }).errors.map(({ message }) => message).join(' ');
}

function refuse(reply: FastifyReply, status: number, message: string): FastifyReply {
  return reply.code(status).send({ errors: [{ message, extensions: { code: 'BAD_REQUEST' } }] });
}
