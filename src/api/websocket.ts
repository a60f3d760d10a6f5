import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { GraphQLError } from 'graphql';
import {
  CloseCode,
  GRAPHQL_TRANSPORT_WS_PROTOCOL,
  makeServer,
  type Context as SocketContext,
  type SubscribePayload,
} from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { authenticate } from '../accounts/authenticate.ts';
import { watchSession } from '../accounts/endings.ts';
import type { BoundedWriter } from '../platform/bounded-writer.ts';
import { isReserved } from '../platform/connections.ts';
import { requestIdOf } from '../platform/ids.ts';
import { isAllowedOrigin } from '../platform/origins.ts';
import type { Platform } from '../platform/platform.ts';
import { isBusy } from '../platform/pressure.ts';
import { boundedWriterOf, closeSocket, serveSocket } from '../platform/sockets.ts';
import { SECOND } from '../platform/units.ts';
import { clientAddress } from './client-address.ts';
import type { Caller, Client } from './context.ts';
import type { Documents } from './documents.ts';
import { presentAll } from './errors.ts';
import { admitGuest } from './guests.ts';
import { GRAPHQL_PATH } from './http.ts';
import { admitSocket, tooMany } from './limits.ts';
import { CallerError } from './problems.ts';
import { openSubscription, type Sink, type Subscription } from './subscription.ts';

/** Largest frame that a client may send, in bytes. */
const MAX_FRAME_BYTES = 64 * 1024;
/** Subscriptions on one socket at once. */
const MAX_SUBSCRIPTIONS = 100;
const INIT_TIMEOUT_MS = 5 * SECOND;

/** Close codes of RFC 6455 and its registry. */
const GOING_AWAY = 1001;
const TRY_AGAIN_LATER = 1013;

/** A user has SOCKETS_PER_USER already. */
const TOO_MANY_SOCKETS = 4430;

interface Connected {
  readonly socket: WebSocket;
  readonly writer: BoundedWriter;
  readonly client: Client;
  caller?: Caller | null;
  /** No longer waits for the end of the session. */
  unwatch?: () => void;
  /** Gives the socket back to the limit of its user, or of those on which nobody is signed in yet. */
  release: (() => void) | undefined;
}
type Connection = SocketContext<Record<string, unknown>, Connected>;

/** Serves subscriptions over graphql-transport-ws on the same port and path as HTTP. */
export function serveSockets(http: FastifyInstance, platform: Platform, documents: Documents): void {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME_BYTES,
    handleProtocols: (offered) => offered.has(GRAPHQL_TRANSPORT_WS_PROTOCOL) && GRAPHQL_TRANSPORT_WS_PROTOCOL,
  });
  const graphql = makeServer<Record<string, unknown>, Connected>({
    connectionInitWaitTimeout: INIT_TIMEOUT_MS,
    onConnect: (connection) => connect(platform, connection),
    onClose: ({ extra }) => {
      extra.unwatch?.();
      extra.release?.();
    },
    onSubscribe: (connection, id, payload) => begin(platform, documents, connection, id, payload),
    subscribe: (subscription) => subscription as Subscription,
    onError: (connection, _id, payload, errors) => presentAll(platform, errors, idFor(connection, payload)),
  });
  sockets.on('connection', (socket, request: IncomingMessage) => {
    const address = clientAddress(platform, request);
    const leave = (): void => {
      closeSocket(socket, TRY_AGAIN_LATER, 'Too many sockets without sign-in');
      // The descriptor is wanted now: there is no time for the client's half of the handshake.
      socket.terminate();
    };
    const release = admitGuest(platform, { address, leave });
    const client = { address, isGone: () => socket.readyState !== socket.OPEN };
    const writer = boundedWriterOf(socket, platform.config.WS_MAX_BUFFERED_BYTES);
    serveSocket(graphql, socket, writer, { socket, writer, client, release }, platform.log);
  });
  http.server.on('upgrade', (request, socket, head) => upgrade(platform, sockets, request, socket, head));
  // The HTTP server waits for the connections that were upgraded, so they end before it does.
  http.addHook('preClose', async () => {
    for (const socket of sockets.clients) closeSocket(socket, GOING_AWAY, 'Going away');
    await new Promise((resolve) => sockets.close(resolve));
  });
}

/** The subscription that a subscribe message asks for, or what is wrong with it. */
async function begin(
  platform: Platform,
  documents: Documents,
  connection: Connection,
  id: string,
  payload: SubscribePayload,
): Promise<Subscription | readonly GraphQLError[]> {
  const { connectionParams, extra, subscriptions } = connection;
  if (Object.keys(subscriptions).length > MAX_SUBSCRIPTIONS) {
    return [tooMany(`A socket has at most ${MAX_SUBSCRIPTIONS} subscriptions.`)];
  }
  const subscriber = {
    caller: extra.caller ?? null,
    queueToken: payload.extensions?.queueToken ?? connectionParams?.queueToken,
    requestId: idFor(connection, payload),
    client: extra.client,
  };
  return openSubscription(platform, documents, payload, subscriber, sinkOf(extra, id));
}

/** The id that the client gave a subscription, or all subscriptions of its socket. */
function idFor({ connectionParams }: Connection, { extensions }: SubscribePayload): string | undefined {
  const idIn = (given: Record<string, unknown> | null | undefined): string | undefined =>
    requestIdOf(given?.requestId ?? given?.['x-request-id']);
  return idIn(extensions) ?? idIn(connectionParams);
}

function sinkOf({ socket, writer }: Connected, id: string): Sink {
  const open = `{"id":${JSON.stringify(id)},"type":"next","payload":`;
  return {
    transport: 'websocket',
    next: (result) => writer.send(`${open}${result}}`),
    // The client may connect again in the role that it has now.
    last: async () => closeSocket(socket, CloseCode.Forbidden, 'Forbidden'),
  };
}

/**
 * Signs a socket in, and closes it when its session or access token ends, so that nothing is sent to a signed-out caller.
 */
async function connect(platform: Platform, { connectionParams, extra }: Connection): Promise<boolean> {
  const { socket } = extra;
  try {
    extra.caller = await authenticate(platform, connectionParams?.authorization);
  } catch (error) {
    if (error instanceof CallerError && error.extensions.code === 'UNAUTHENTICATED') return false;
    closeSocket(socket, TRY_AGAIN_LATER, 'Try again later');
    return false;
  }
  if (socket.readyState !== socket.OPEN) return true;
  if (!extra.caller && isBusy(platform)) {
    closeSocket(socket, TRY_AGAIN_LATER, 'Try again later');
    return false;
  }
  if (!extra.caller) return true;
  extra.release?.();
  extra.release = admitSocket(platform, extra.caller);
  if (!extra.release) {
    closeSocket(socket, TOO_MANY_SOCKETS, 'Too many sockets');
    return false;
  }
  const close = (): void => closeSocket(socket, CloseCode.Forbidden, 'Forbidden');
  extra.unwatch = watchSession(platform, extra.caller, close);
  return true;
}

function upgrade(
  platform: Platform,
  sockets: WebSocketServer,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  const refuse = (status: string, header = ''): void => {
    socket.once('finish', destroy);
    socket.end(`HTTP/1.1 ${status}\r\n${header}Connection: close\r\nContent-Length: 0\r\n\r\n`);
  };
  const { origin, host } = request.headers;
  socket.on('error', destroy);
  if (request.url?.split('?')[0] !== GRAPHQL_PATH) refuse('404 Not Found');
  else if (origin !== undefined && !isAllowedOrigin(platform.config, origin, host)) refuse('403 Forbidden');
  else if (isReserved(socket)) refuse('503 Service Unavailable', 'Retry-After: 1\r\n');
  else sockets.handleUpgrade(request, socket, head, (client) => sockets.emit('connection', client, request));
}

/** Has no variables of a caller around it: as a listener of a socket it would keep them for as long as the socket. */
function destroy(this: Duplex): void {
  this.destroy();
}
