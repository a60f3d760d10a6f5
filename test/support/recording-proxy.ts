import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Data } from './client.ts';

/** A request as it passed by. */
export interface Passed {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  /** What a POST had as JSON; undefined for other methods. */
  readonly body: Data;
}

/** What happens to an answer on its way back: it passes, the connection breaks instead, or another one takes its place. */
export type Fate = 'pass' | 'break' | { readonly errors: readonly object[] };

/** A way to a server that reads along, and can lose what the server answers. */
export class RecordingProxy {
  readonly requests: Passed[] = [];
  /** How many WebSockets were asked for. */
  sockets = 0;
  /** Asked for each request, which the server gets in any case. */
  fateOf: (passed: Passed) => Fate = () => 'pass';
  /** Whether WebSockets are broken off before they open, as some networks do. */
  blocksSockets = false;
  readonly #open = new Set<Duplex>();
  readonly #target: URL;
  readonly #listener: Server;

  private constructor(target: URL) {
    this.#target = target;
    this.#listener = createServer((asked, answer) => void this.#forward(asked, answer));
    this.#listener.on('upgrade', (asked, socket, head) => this.#upgrade(asked, socket, head));
  }

  static async open(url: string): Promise<RecordingProxy> {
    const proxy = new RecordingProxy(new URL(url));
    proxy.#listener.listen(0, '127.0.0.1');
    await once(proxy.#listener, 'listening');
    return proxy;
  }

  /** The URL of the server by way of this proxy. */
  get url(): string {
    const { port } = this.#listener.address() as { port: number };
    return `http://127.0.0.1:${port}${this.#target.pathname}`;
  }

  /** Forgets what passed. */
  reset(): void {
    this.requests.length = 0;
    this.sockets = 0;
    this.blocksSockets = false;
    this.fateOf = () => 'pass';
  }

  /** Breaks the WebSockets that are open. */
  breakSockets(): void {
    for (const socket of this.#open) socket.destroy();
  }

  close(): void {
    this.#listener.close();
    this.#listener.closeAllConnections();
  }

  async #forward(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const sent = await text(asked);
    const { method = '', url: path = '', headers } = asked;
    const passed = { method, path, headers, body: method === 'POST' ? JSON.parse(sent) : undefined };
    this.requests.push(passed);
    const onward = request({ host: this.#target.hostname, port: this.#target.port, method, path, headers }).end(sent);
    const [back] = (await once(onward, 'response')) as [IncomingMessage];
    const fate = this.fateOf(passed);
    if (fate === 'pass') {
      answer.writeHead(back.statusCode ?? 500, back.headers);
      answer.once('close', () => onward.destroy());
      back.on('error', () => answer.destroy()).pipe(answer);
      return;
    }
    await text(back);
    if (fate === 'break') answer.destroy();
    else answer.setHeader('content-type', 'application/json').end(JSON.stringify(fate));
  }

  #upgrade(asked: IncomingMessage, client: Duplex, head: Buffer): void {
    this.sockets++;
    if (this.blocksSockets) return void client.destroy();
    const server = connect({ host: this.#target.hostname, port: Number(this.#target.port) });
    const lines = asked.rawHeaders.map((text, index) => (index % 2 === 0 ? `\r\n${text}: ` : text)).join('');
    server.write(`GET ${asked.url} HTTP/1.1${lines}\r\n\r\n`);
    server.write(head);
    client.pipe(server).pipe(client);
    this.#open.add(client);
    client.once('close', () => this.#open.delete(client));
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.on('error', () => undefined).on('close', () => other.destroy());
    }
  }
}
