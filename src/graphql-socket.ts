import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { GraphQLError, type GraphQLFormattedError, type GraphQLSchema } from 'graphql';
import {
  CloseCode,
  GRAPHQL_TRANSPORT_WS_PROTOCOL,
  makeServer,
  type Context as SocketContext,
  type SubscribePayload,
} from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { authenticate } from './accounts/authenticate.ts';
import { type Caller, type Context, makeContext } from './context.ts';
import { GRAPHQL_PATH } from './graphql-http.ts';
import { isAllowedOrigin } from './platform/origins.ts';
import type { Platform } from './platform/platform.ts';
import { closeSocket, serveSocket } from './platform/sockets.ts';
import { SECOND } from './platform/units.ts';
import { presentError } from './present-error.ts';
import { CallerError } from './problems.ts';
import { readSubscription } from './read-subscription.ts';

/** Largest frame that a client may send, in bytes; subscriptions on one socket at once. */
const MOST_FRAME_BYTES = 64 * 1024;
const MOST_SUBSCRIPTIONS = 100;
const INIT_TIMEOUT_MS = 5 * SECOND;

/** Close codes of RFC 6455 and its registry. */
const GOING_AWAY = 1001;
const TRY_AGAIN_LATER = 1013;

interface Connected {
  readonly socket: WebSocket;
  caller?: Caller | null;
  expiry?: NodeJS.Timeout;
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
    onClose: ({ extra }) => clearTimeout(extra.expiry),
    onSubscribe: (connection, _id, payload) => begin(platform, schema, connection, payload),
    onError: (_connection, _id, _payload, errors) => presentAll(platform, errors),
    onNext: ({ extra }, _id, _payload, { contextValue }, { errors, ...result }) => {
      if (!errors) return undefined;
      const presented = presentAll(platform, errors, (contextValue as Context).requestId);
      closeToTheFallen(extra, presented);
      return { ...result, errors: presented };
    },
  });
  sockets.on('connection', (socket) => serveSocket(graphql, socket, { socket }, platform.log));
  http.server.on('upgrade', (request, socket, head) => upgrade(platform, sockets, request, socket, head));
  // The HTTP server waits for the connections it has given away, so they end before it does.
  http.addHook('preClose', async () => {
    for (const socket of sockets.clients) closeSocket(socket, GOING_AWAY, 'Going away');
    await new Promise((resolve) => sockets.close(resolve));
  });
}

/** What to execute for a subscribe message, or what is wrong with it. */
function begin(platform: Platform, schema: GraphQLSchema, connection: Connection, payload: SubscribePayload) {
  const { connectionParams, extra, subscriptions } = connection;
  if (Object.keys(subscriptions).length > MOST_SUBSCRIPTIONS) return [tooMany()];
  const read = readSubscription(schema, payload, platform.config.NODE_ENV === 'production');
  if (!('document' in read)) return read;
  const token = payload.extensions?.queueToken ?? connectionParams?.queueToken;
  const queueToken = typeof token === 'string' ? token : undefined;
  return { ...read, schema, contextValue: makeContext(platform, extra.caller ?? null, queueToken) };
}

/** Whoever loses the role that a subscription needs is told nothing more, and may connect again as what they are now. */
function closeToTheFallen({ caller, socket }: Connected, errors: readonly GraphQLFormattedError[]): void {
  const fell = caller?.role === 'OPERATOR' && errors.some(({ extensions }) => extensions?.code === 'FORBIDDEN');
  if (fell) closeSocket(socket, CloseCode.Forbidden, 'Forbidden');
}

/** A signed-in socket ends with its access token: nothing is told to whoever may no longer hear it. */
async function connect(platform: Platform, { connectionParams, extra }: Connection): Promise<boolean> {
  try {
    extra.caller = await authenticate(platform, connectionParams?.authorization);
  } catch (error) {
    if (error instanceof CallerError && error.extensions.code === 'UNAUTHENTICATED') return false;
    closeSocket(extra.socket, TRY_AGAIN_LATER, 'Try again later');
    return false;
  }
  if (extra.caller && extra.socket.readyState === extra.socket.OPEN) {
    const close = (): void => closeSocket(extra.socket, CloseCode.Forbidden, 'Forbidden');
    extra.expiry = setTimeout(close, Math.min(extra.caller.until - Date.now(), 2 ** 31 - 1));
  }
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

function tooMany(): GraphQLError {
  return new CallerError('RATE_LIMITED', `A socket has at most ${MOST_SUBSCRIPTIONS} subscriptions.`, {
    retryAfterMs: SECOND,
  });
}

/** Errors found before execution carry no code of their own when the variables are at fault. */
function presentAll(
  platform: Platform,
  errors: readonly (GraphQLError | GraphQLFormattedError)[],
  requestId: string = randomUUID(),
): GraphQLFormattedError[] {
  return errors.map((error) => {
    const formatted = error instanceof GraphQLError ? error.toJSON() : error;
    const ofVariables = formatted.extensions?.code === undefined && /^Variable "\$/.test(formatted.message);
    const coded = ofVariables ? { ...formatted, extensions: { code: 'BAD_USER_INPUT' } } : formatted;
    return presentError(error, coded, requestId, platform);
  });
}
