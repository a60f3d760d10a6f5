import { CloseCode, type Server } from 'graphql-ws';
import type { WebSocket } from 'ws';
import { BoundedWriter, type Connection } from './bounded-writer.ts';
import type { Log } from './log.ts';
import { SharedTimer } from './shared-timer.ts';
import { SECOND } from './units.ts';

/**
 * Messages that a client may send at once, and messages a second after that; few clients need more than one a second.
 */
const MAX_BURST = 500;
const MESSAGES_PER_SECOND = 50;

/** A client that has not answered a ping by the next one is cut off. */
const PINGS = new SharedTimer(12 * SECOND);

/** Milliseconds that a client may take to answer a closing handshake. */
const CLOSING_MS = 2 * SECOND;

/** `Policy Violation` of RFC 6455. */
const TOO_MANY_MESSAGES = 1008;

/**
 * Serves graphql-transport-ws over `socket` until either side closes it. A client that sends too many messages is
 * closed with 1008; a client that does not read is cut off; a fault is logged, and closes the socket with 4500 without
 * its cause.
 */
export function serveSocket<Extra>(
  server: Server<Extra>,
  socket: WebSocket,
  writer: BoundedWriter,
  extra: Extra,
  log: Log,
): void {
  const stopPinging = keepPinging(socket, writer);
  const closed = server.opened(
    {
      protocol: socket.protocol,
      send: (text) => writer.send(text),
      close: (code, reason) => closeSocket(socket, code, reason),
      onMessage: (handle) => listen(socket, handle, log),
    },
    extra,
  );
  // ws closes a socket whose client sends invalid frames.
  socket.on('error', (error) => log.debug({ error: error.message }, 'a socket broke'));
  socket.once('close', (code, reason) => {
    stopPinging();
    closed(code, String(reason)).catch((error: unknown) => log.error({ err: error }, 'ending a socket failed'));
  });
}

/** A writer to the socket. @param maxBytes that may wait for the client before it is cut off */
export function boundedWriterOf(socket: WebSocket, maxBytes: number): BoundedWriter {
  return new BoundedWriter(new SocketConnection(socket), maxBytes);
}

/** A class, because closures for each socket would take more memory. */
class SocketConnection implements Connection {
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  write(text: string, done: () => void): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(text, done);
    else done();
  }

  buffered(): number {
    return this.#socket.bufferedAmount;
  }

  cut(): void {
    this.#socket.terminate();
  }
}

/** Closes with a code; a client that does not answer in time is cut off. */
export function closeSocket(socket: WebSocket, code?: number, reason?: string): void {
  if (socket.readyState !== socket.OPEN) return;
  socket.close(code, reason);
  const timer = setTimeout(() => socket.terminate(), CLOSING_MS);
  socket.once('close', () => clearTimeout(timer));
}

function listen(socket: WebSocket, handle: (text: string) => Promise<void>, log: Log): void {
  const isAllowed = rateLimit();
  socket.on('message', (data) => {
    if (socket.readyState !== socket.OPEN) return;
    if (!isAllowed()) {
      closeSocket(socket, TOO_MANY_MESSAGES, 'Too many messages');
      return;
    }
    handle(String(data)).catch((error: unknown) => {
      log.error({ err: error }, 'handling a message of a socket failed');
      closeSocket(socket, CloseCode.InternalServerError, 'Internal server error');
    });
  });
}

/** A token bucket for one client's messages: each call takes a token and returns whether there was one. */
function rateLimit(): () => boolean {
  let left = MAX_BURST;
  let countedAt = performance.now();
  return () => {
    const now = performance.now();
    left = Math.min(MAX_BURST, left + ((now - countedAt) * MESSAGES_PER_SECOND) / SECOND) - 1;
    countedAt = now;
    return left >= 0;
  };
}

function keepPinging(socket: WebSocket, writer: BoundedWriter): () => void {
  let answered = true;
  socket.on('pong', () => {
    answered = true;
  });
  return PINGS.add(() => {
    if (!answered || writer.isStalled) socket.terminate();
    else if (socket.readyState === socket.OPEN) {
      answered = false;
      socket.ping();
    }
  });
}
