import { readFileSync } from 'node:fs';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { perProcess } from './platform.ts';
import { SECOND } from './units.ts';

/** Descriptors that are left for all that are no clients: servers, files, and what is sent to others. */
const KEPT_DESCRIPTORS = 128;
/** Fewest connections that a process takes, however few files it may open, and most where that is not told. */
const MIN_CONNECTIONS = 64;
const UNTOLD_CONNECTIONS = 10_000;

/** The last connections, of which only health and operators are served: so many, or a quarter where there are few. */
const MAX_RESERVE = 64;
const RESERVE_PART = 1 / 4;

/** Most connections of clients to this process. */
export const mostConnections = perProcess(
  ({ config }) => config.CONNECTIONS ?? Math.max(MIN_CONNECTIONS, openFiles() - KEPT_DESCRIPTORS),
);

/** How many files this process may open, as Linux tells. */
function openFiles(): number {
  try {
    const [, most = ''] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return Number(most) || UNTOLD_CONNECTIONS;
  } catch {
    return UNTOLD_CONNECTIONS;
  }
}

/** The server's count of connections, by each that came when all but the reserve were taken. */
const late = new WeakMap<Duplex, Connections>();

/** Whether the connection is one of the reserve: it came when all others were taken, and they still are. */
export function isReserved(socket: Duplex): boolean {
  return late.get(socket)?.isFull ?? false;
}

/**
 * Bounds the connections to a server, the last of which are the reserve. A connection that comes into the reserve makes
 * room: idle connections are closed, and the oldest one that has sent no request yet. So a flood of silent connections
 * closes itself, and whoever sends a request at once is served.
 * @param most connections in all
 */
export function boundConnections(server: Server, most: number): void {
  const connections = new Connections(server, most - Math.min(MAX_RESERVE, Math.ceil(most * RESERVE_PART)));
  server.maxConnections = most;
  function leave(this: Duplex): void {
    connections.leave(this);
  }
  const hear = ({ socket }: IncomingMessage): void => connections.hear(socket);
  server.on('connection', (socket) => {
    connections.enter(socket);
    socket.once('close', leave);
  });
  server.on('request', hear);
  server.on('upgrade', hear);
}

class Connections {
  readonly #server: Server;
  /** Most connections that are not the reserve. */
  readonly #most: number;
  readonly #open = new Set<Duplex>();
  /** Those that have sent no request yet, the oldest first. */
  readonly #silent = new Set<Duplex>();
  #idleClosedAt = Number.NEGATIVE_INFINITY;

  constructor(server: Server, most: number) {
    this.#server = server;
    this.#most = most;
  }

  get isFull(): boolean {
    return this.#open.size > this.#most;
  }

  enter(socket: Duplex): void {
    this.#open.add(socket);
    if (this.isFull) {
      late.set(socket, this);
      this.#makeRoom();
    }
    this.#silent.add(socket);
  }

  hear(socket: Duplex): void {
    this.#silent.delete(socket);
  }

  leave(socket: Duplex): void {
    this.#open.delete(socket);
    this.#silent.delete(socket);
  }

  #makeRoom(): void {
    const [oldest] = this.#silent;
    if (oldest) {
      this.leave(oldest);
      oldest.destroy();
    }
    if (performance.now() - this.#idleClosedAt < SECOND) return;
    this.#idleClosedAt = performance.now();
    this.#server.closeIdleConnections();
  }
}
