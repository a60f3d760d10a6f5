import { CloseCode, type Server } from 'graphql-ws';
import type { WebSocket } from 'ws';
import type { Log } from './log.ts';
import { Outlet } from './outlet.ts';
import { Pulse } from './pulse.ts';
import { SECOND } from './units.ts';

/** Most messages that a client may send at once, and how many more each second: few clients need more than one a second. */
const MOST_AT_ONCE = 500;
const MORE_A_SECOND = 50;

/** A client that has not answered a ping by the next one is gone, or has stopped reading. */
const PINGS = new Pulse(12 * SECOND);

/** How long a client may take to answer our wish to close. */
const CLOSING_MS = 2 * SECOND;

/** `Policy Violation` of RFC 6455. */
const TOO_MANY_MESSAGES = 1008;

/**
 * Speaks graphql-transport-ws over `socket` until either side closes it. A client that floods it with messages is closed
 * with 1008, one that does not read is cut off; a fault of ours is logged, and closes it with 4500 and no cause.
 */
export function serveSocket<Extra>(
  server: Server<Extra>,
  socket: WebSocket,
  outlet: Outlet,
  extra: Extra,
  log: Log,
): void {
  const stopPinging = keepPinging(socket, outlet);
  const closed = server.opened(
    {
      protocol: socket.protocol,
      send: (text) => outlet.send(text),
      close: (code, reason) => closeSocket(socket, code, reason),
      onMessage: (handle) => listen(socket, handle, log),
    },
    extra,
  );
  // What a client does wrong with frames, ws answers by closing.
  socket.on('error', (error) => log.debug({ error: error.message }, 'a socket broke'));
  socket.once('close', (code, reason) => {
    stopPinging();
    closed(code, String(reason)).catch((error: unknown) => log.error({ err: error }, 'ending a socket failed'));
  });
}

/** The way out to a client. @param mostBytes that may wait for it before it is cut off */
export function outletOf(socket: WebSocket, mostBytes: number): Outlet {
  const pipe = {
    write: (text: string, left: () => void): void => {
      if (socket.readyState === socket.OPEN) socket.send(text, left);
      else left();
    },
    waiting: () => socket.bufferedAmount,
    cut: () => socket.terminate(),
  };
  return new Outlet(pipe, mostBytes);
}

/** Closes with a code; whoever does not answer that in time is cut off. */
export function closeSocket(socket: WebSocket, code?: number, reason?: string): void {
  if (socket.readyState !== socket.OPEN) return;
  socket.close(code, reason);
  const timer = setTimeout(() => socket.terminate(), CLOSING_MS);
  socket.once('close', () => clearTimeout(timer));
}

function listen(socket: WebSocket, handle: (text: string) => Promise<void>, log: Log): void {
  const mayCome = allowance();
  socket.on('message', (data) => {
    if (socket.readyState !== socket.OPEN) return;
    if (!mayCome()) {
      closeSocket(socket, TOO_MANY_MESSAGES, 'Too many messages');
      return;
    }
    handle(String(data)).catch((error: unknown) => {
      log.error({ err: error }, 'a message of a socket failed through a fault of ours');
      closeSocket(socket, CloseCode.InternalServerError, 'Internal server error');
    });
  });
}

/** Counts messages: a function that answers whether one more may come now. */
function allowance(): () => boolean {
  let left = MOST_AT_ONCE;
  let countedAt = performance.now();
  return () => {
    const now = performance.now();
    left = Math.min(MOST_AT_ONCE, left + ((now - countedAt) * MORE_A_SECOND) / SECOND) - 1;
    countedAt = now;
    return left >= 0;
  };
}

function keepPinging(socket: WebSocket, outlet: Outlet): () => void {
  let answered = true;
  socket.on('pong', () => {
    answered = true;
  });
  return PINGS.add(() => {
    if (!answered || outlet.isStuck) socket.terminate();
    else if (socket.readyState === socket.OPEN) {
      answered = false;
      socket.ping();
    }
  });
}
