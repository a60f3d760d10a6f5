import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { ExecutionArgs, GraphQLError, GraphQLSchema } from 'graphql';
import {
  CloseCode,
  GRAPHQL_TRANSPORT_WS_PROTOCOL,
  makeServer,
  type Context as SocketContext,
  type SubscribePayload,
} from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { authenticate } from '../accounts/authenticate.ts';
import type { BoundedWriter } from '../platform/bounded-writer.ts';
import { isAllowedOrigin } from '../platform/origins.ts';
import type { Platform } from '../platform/platform.ts';
import { boundedWriterOf, closeSocket, serveSocket } from '../platform/sockets.ts';
import { SECOND } from '../platform/units.ts';
import { admitSocket, admitSubscription, tooMany } from './audience.ts';
import { type Caller, type Context, makeContext } from './context.ts';
import { presentAll } from './errors.ts';
import { Events, type Line } from './events.ts';
import { GRAPHQL_PATH } from './http.ts';
import { CallerError } from './problems.ts';
import { readSubscription } from './read-subscription.ts';

/** Largest frame that a client may send, in bytes; subscriptions on one socket at once. */
const MOST_FRAME_BYTES = 64 * 1024;
const MOST_SUBSCRIPTIONS = 100;
const INIT_TIMEOUT_MS = 5 * SECOND;

/** Close codes of RFC 6455 and its registry. */
const GOING_AWAY = 1001;
const TRY_AGAIN_LATER = 1013;

/** A user has SOCKETS_PER_USER already. */
const TOO_MANY_SOCKETS = 4430;

interface Connected {
  readonly socket: WebSocket;
  readonly writer: BoundedWriter;
  caller?: Caller | null;
  expiry?: NodeJS.Timeout;
  /** Counts the socket out of those of its user. */
  leave?: () => void;
}
type Connection = SocketContext<Record<string, unknown>, Connected>;

/** Serves subscriptions over graphql-transport-ws on the same port and path as HTTP. */
export function serveSubscriptions(http: FastifyInstance, platform: Platform, schema: GraphQLSchema): void {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MOST_FRAME_BYTES,
    handleProtocols: (offered) => offered.has(GRAPHQL_TRANSPORT_WS_PROTOCOL) && GRAPHQL_TRANSPORT_WS_PROTOCOL,
  });
  const graphql = makeServer<Record<string, unknown>, Connected>({
    connectionInitWaitTimeout: INIT_TIMEOUT_MS,
    onConnect: (connection) => connect(platform, connection),
    onClose: ({ extra }) => {
      clearTimeout(extra.expiry);
      extra.leave?.();
    },
    onSubscribe: (connection, id, payload) => begin(platform, schema, connection, id, payload),
    subscribe: (execution) => new Events(execution as Execution, (execution as Execution).line),
    onError: (_connection, _id, _payload, errors) => presentAll(platform, errors),
  });
  sockets.on('connection', (socket) => {
    const writer = boundedWriterOf(socket, platform.config.WS_MAX_BUFFERED_BYTES);
    serveSocket(graphql, socket, writer, { socket, writer }, platform.log);
  });
  http.server.on('upgrade', (request, socket, head) => upgrade(platform, sockets, request, socket, head));
  // The HTTP server waits for the connections it has given away, so they end before it does.
  http.addHook('preClose', async () => {
    for (const socket of sockets.clients) closeSocket(socket, GOING_AWAY, 'Going away');
    await new Promise((resolve) => sockets.close(resolve));
  });
}

type Execution = ExecutionArgs & { readonly contextValue: Context; readonly line: Line };

/** What to execute for a subscribe message, or what is wrong with it. */
function begin(
  platform: Platform,
  schema: GraphQLSchema,
  { connectionParams, extra, subscriptions }: Connection,
  id: string,
  payload: SubscribePayload,
): Execution | readonly GraphQLError[] {
  if (Object.keys(subscriptions).length > MOST_SUBSCRIPTIONS) {
    return [tooMany(`A socket has at most ${MOST_SUBSCRIPTIONS} subscriptions.`)];
  }
  const read = readSubscription(schema, payload, platform.config.NODE_ENV === 'production');
  if (!('document' in read)) return read;
  const token = payload.extensions?.queueToken ?? connectionParams?.queueToken;
  const queueToken = typeof token === 'string' ? token : undefined;
  const caller = extra.caller ?? null;
  try {
    const line = lineOf(extra, id, admitSubscription(platform, caller));
    return { ...read, schema, contextValue: makeContext(platform, caller, queueToken), line };
  } catch (error) {
    if (error instanceof CallerError) return [error];
    throw error;
  }
}

/** The line of one subscription on a socket. @param over called when it has ended */
function lineOf({ socket, writer }: Connected, id: string, over: () => void): Line {
  const open = `{"id":${JSON.stringify(id)},"type":"next","payload":`;
  return {
    tell: (result) => writer.send(`${open}${result}}`),
    // They may connect again as what they are now.
    tellLast: async () => closeSocket(socket, CloseCode.Forbidden, 'Forbidden'),
    over,
  };
}

/** A signed-in socket ends with its access token: nothing is told to whoever may no longer hear it. */
async function connect(platform: Platform, { connectionParams, extra }: Connection): Promise<boolean> {
  const { socket } = extra;
  try {
    extra.caller = await authenticate(platform, connectionParams?.authorization);
  } catch (error) {
    if (error instanceof CallerError && error.extensions.code === 'UNAUTHENTICATED') return false;
    closeSocket(socket, TRY_AGAIN_LATER, 'Try again later');
    return false;
  }
  if (!extra.caller || socket.readyState !== socket.OPEN) return true;
  extra.leave = admitSocket(platform, extra.caller);
  if (!extra.leave) {
    closeSocket(socket, TOO_MANY_SOCKETS, 'Too many sockets');
    return false;
  }
  const close = (): void => closeSocket(socket, CloseCode.Forbidden, 'Forbidden');
  extra.expiry = setTimeout(close, Math.min(extra.caller.until - Date.now(), 2 ** 31 - 1));
  return true;
}

function upgrade(
  platform: Platform,
  sockets: WebSocketServer,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  const refuse = (status: string): void => {
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  };
  const { origin, host } = request.headers;
  socket.on('error', () => socket.destroy());
  if (request.url?.split('?')[0] !== GRAPHQL_PATH) refuse('404 Not Found');
  else if (origin !== undefined && !isAllowedOrigin(platform.config, origin, host)) refuse('403 Forbidden');
  else sockets.handleUpgrade(request, socket, head, (client) => sockets.emit('connection', client, request));
}
