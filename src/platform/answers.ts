import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { MAX_STALLED_MS } from './bounded-writer.ts';
import { SharedTimer } from './shared-timer.ts';
import { SECOND } from './units.ts';

/** Characters of a large answer that its connection gets at once; the next part follows when these have left. */
const PIECE = 64 * 1024;

/** Bounds on one answer, and on the answers that wait for slow readers in one process, in bytes. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

const TOO_LARGE = JSON.stringify({
  errors: [
    {
      message: `The answer is larger than ${MAX_ANSWER_BYTES} bytes: ask for less at once.`,
      extensions: { code: 'BAD_USER_INPUT' },
    },
  ],
});

/**
 * Bounds the memory that HTTP clients take that do not read their answers. A large answer is sent in pieces, so that a
 * connection buffers one of them; when more bytes of answers wait than a process keeps, the answers of which no piece
 * has left for longest are cut off. A connection that takes no bytes for MAX_STALLED_MS is closed, however few wait.
 */
export function boundAnswers(http: FastifyInstance): void {
  const { server } = http;
  const waiting = new WaitingAnswers();
  http.addHook('onSend', (_request, reply, payload, done) => {
    if (typeof payload !== 'string' || payload.length <= PIECE) return done();
    const bytes = Buffer.byteLength(payload);
    if (bytes > MAX_ANSWER_BYTES) return done(null, TOO_LARGE);
    void reply.header('content-length', bytes);
    // A process that ends waits for its connections, and the answer has announced that this one stays open.
    reply.raw.once('finish', () => {
      if (!server.listening) reply.raw.socket?.end();
    });
    done(null, Readable.from(waiting.inPieces(payload, bytes, reply.raw)));
  });
  cutStalledConnections(server);
}

/** Answers being sent, in the order in which a piece of them left last. */
class WaitingAnswers {
  readonly #texts = new Map<ServerResponse, string>();
  /** Number of answers being sent, by text: many clients may receive one text, which is in memory once. */
  readonly #readers = new Map<string, number>();
  #bytes = 0;

  *inPieces(text: string, bytes: number, response: ServerResponse): Generator<string> {
    this.#add(text, bytes, response);
    for (let from = 0; from < text.length; ) {
      let to = from + PIECE;
      // The two halves of a surrogate pair stay together.
      if (/[\ud800-\udbff]/.test(text.charAt(to - 1))) to++;
      yield text.slice(from, to);
      from = to;
      if (this.#texts.delete(response)) this.#texts.set(response, text);
    }
  }

  #add(text: string, bytes: number, response: ServerResponse): void {
    const readers = this.#readers.get(text) ?? 0;
    this.#readers.set(text, readers + 1);
    this.#texts.set(response, text);
    if (readers === 0) this.#bytes += bytes;
    response.once('close', () => this.#remove(response));
    for (const slowest of this.#texts.keys()) {
      if (this.#bytes <= MAX_WAITING_BYTES) break;
      this.#remove(slowest);
      slowest.destroy();
    }
  }

  #remove(response: ServerResponse): void {
    const text = this.#texts.get(response);
    if (text === undefined) return;
    this.#texts.delete(response);
    const readers = (this.#readers.get(text) ?? 0) - 1;
    if (readers > 0) this.#readers.set(text, readers);
    else if (this.#readers.delete(text)) this.#bytes -= Buffer.byteLength(text);
  }
}

/** How often connections are checked. */
const CHECKS = new SharedTimer(5 * SECOND);

function cutStalledConnections(server: FastifyInstance['server']): void {
  const open = new Map<Socket, { written: number; at: number }>();
  server.on('connection', (socket) => {
    open.set(socket, { written: 0, at: 0 });
    socket.once('close', () => open.delete(socket));
  });
  const stop = CHECKS.add(() => {
    const now = performance.now();
    for (const [socket, last] of open) {
      if (socket.writableLength === 0 || socket.bytesWritten !== last.written) {
        open.set(socket, { written: socket.bytesWritten, at: now });
      } else if (now - last.at > MAX_STALLED_MS) socket.destroy();
    }
  });
  server.once('close', stop);
}
