import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ExecutionResult, GraphQLError, GraphQLSchema } from 'graphql';
import { createHandler, type Handler, type RequestParams } from 'graphql-sse';
import { authenticate } from '../accounts/authenticate.ts';
import type { Platform } from '../platform/platform.ts';
import { Stream } from '../platform/streams.ts';
import { admitSubscription } from './audience.ts';
import { type Caller, makeContext } from './context.ts';
import { presentAll } from './errors.ts';
import { Events } from './events.ts';
import { GRAPHQL_PATH } from './http.ts';
import { CallerError } from './problems.ts';
import { readSubscription } from './read-subscription.ts';

const STREAM_PATH = `${GRAPHQL_PATH}/stream`;
const EVENT_STREAM = 'text/event-stream';

/** One who asks for a stream, and once that is found valid, the subscription that it carries. */
interface Asking {
  readonly headers: FastifyRequest['headers'];
  readonly caller: Caller | null;
  readonly stream: Stream;
  events?: Events;
}

/**
 * Serves subscriptions as GraphQL over SSE, each on a response of its own ("distinct connections mode"), to POST of JSON
 * only: no page of another origin can send that without asking first.
 */
export function serveStreams(http: FastifyInstance, platform: Platform, schema: GraphQLSchema): void {
  const open = new Set<AsyncGenerator<string>>();
  const handle = createHandler<Asking>({
    authenticate: () => '',
    onSubscribe: ({ raw }, params) => begin(platform, schema, raw, params),
  });
  http.post(STREAM_PATH, async (request, reply) => {
    const accept = request.headers.accept ?? '*/*';
    if (![EVENT_STREAM, '*/*'].some((type) => accept.includes(type))) {
      return refuse(reply, 406, `A stream is sent as ${EVENT_STREAM}.`);
    }
    const caller = await authenticate(platform, request.headers.authorization).catch((error: unknown) => {
      void reply
        .code(error instanceof CallerError ? 401 : 503)
        .send({ errors: presentAll(platform, [error as Error]) });
    });
    if (caller === undefined) return reply;
    const stream = new Stream(reply.raw, platform.config.WS_MAX_BUFFERED_BYTES);
    return answer(platform, handle, { headers: request.headers, caller, stream }, request, reply, open);
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
  handle: Handler<Asking>,
  asking: Asking,
  { method, url, headers, body: sent }: FastifyRequest,
  reply: FastifyReply,
  open: Set<AsyncGenerator<string>>,
): Promise<FastifyReply> {
  const get = (name: string): string | undefined => (name === 'accept' ? EVENT_STREAM : (headers[name] as string));
  const json = typeof sent === 'object' ? (sent as Record<string, unknown> | null) : null;
  const [body, init] = await handle({ method, url, headers: { get }, body: json, raw: asking, context: undefined });
  if (!body || typeof body === 'string') return refuse(reply, init.status, faultIn(body));
  reply.hijack();
  open.add(body);
  const stopClock = endWithToken(platform, asking);
  const head = { ...(reply.getHeaders() as Record<string, string>), ...init.headers, 'x-accel-buffering': 'no' };
  await asking.stream.run(head, body).catch((error: unknown) => {
    platform.log.error({ err: error }, 'a stream failed through a fault of ours');
  });
  stopClock();
  open.delete(body);
  return reply;
}

/** What to send to one who asks: the subscription, or what is wrong with it, as the one result of the stream. */
function begin(
  platform: Platform,
  schema: GraphQLSchema,
  asking: Asking,
  params: RequestParams,
): AsyncIterable<ExecutionResult> {
  const read = readSubscription(schema, params, platform.config.NODE_ENV === 'production');
  if (!('document' in read)) return refusal(platform, read);
  const token = params.extensions?.queueToken ?? asking.headers['x-queue-token'];
  const { caller, stream } = asking;
  try {
    const over = admitSubscription(platform, caller);
    const tell = (result: string): Promise<void> => stream.write(`event: next\ndata: ${result}\n\n`);
    const contextValue = makeContext(platform, caller, typeof token === 'string' ? token : undefined);
    asking.events = new Events({ ...read, schema, contextValue }, { tell, tellLast: tell, over });
    return asking.events;
  } catch (error) {
    if (error instanceof CallerError) return refusal(platform, [error]);
    throw error;
  }
}

async function* refusal(platform: Platform, errors: readonly GraphQLError[]): AsyncGenerator<ExecutionResult> {
  yield { errors: presentAll(platform, errors) as unknown as GraphQLError[] };
}

/** A stream ends with the access token that opened it. @returns a function that no longer waits for that */
function endWithToken(platform: Platform, { caller, stream, events }: Asking): () => void {
  if (!caller || !events) return () => undefined;
  const end = (): void => {
    const errors = presentAll(platform, [new CallerError('UNAUTHENTICATED')]);
    void stream.write(`event: next\ndata: ${JSON.stringify({ errors })}\n\n`);
    void events.return();
  };
  const timer = setTimeout(end, Math.min(caller.until - Date.now(), 2 ** 31 - 1));
  return () => clearTimeout(timer);
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
