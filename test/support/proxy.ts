import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
}

/** A way to a TCP server that can break as networks do, without the server being touched. */
export class TcpProxy {
  readonly #target: { host: string; port: number };
  readonly #pairs = new Set<Pair>();
  #listener: Server | undefined;
  #port = 0;
  #silent = false;
  #delayMs = 0;

  private constructor(target: { host: string; port: number }) {
    this.#target = target;
  }

  /** A proxy in front of the server of `url`. */
  static async open(url: string): Promise<TcpProxy> {
    const { hostname, port } = new URL(url);
    const proxy = new TcpProxy({ host: hostname, port: Number(port) });
    await proxy.#listen();
    return proxy;
  }

  /** `url` by way of this proxy. */
  through(url: string): string {
    const at = new URL(url);
    at.host = `127.0.0.1:${this.#port}`;
    return at.href;
  }

  /** Breaks every connection; new ones are taken as before. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      client.resetAndDestroy();
      server.destroy();
    }
  }

  /** Breaks every connection and refuses new ones, until `heal`. */
  async refuse(): Promise<void> {
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.close();
    this.cut();
    if (listener) await once(listener, 'close');
  }

  /** Takes connections and keeps those it has, and passes nothing on, until `heal`. */
  silence(): void {
    this.#silent = true;
    for (const pair of this.#pairs) hush(pair);
  }

  /** Passes everything on `ms` late, until `heal`. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /** Everything works again; what was held back arrives late. */
  async heal(): Promise<void> {
    this.#silent = false;
    this.#delayMs = 0;
    for (const { client, server } of this.#pairs) {
      client.resume();
      server.resume();
    }
    if (!this.#listener) await this.#listen();
  }

  async close(): Promise<void> {
    await this.refuse();
  }

  async #listen(): Promise<void> {
    const listener = createServer((client) => this.#take(client)).listen(this.#port, '127.0.0.1');
    await once(listener, 'listening');
    this.#port = (listener.address() as { port: number }).port;
    this.#listener = listener;
  }

  #pass(bytes: Buffer, to: Socket): void {
    if (this.#delayMs === 0) to.write(bytes);
    else setTimeout(() => to.write(bytes), this.#delayMs);
  }

  #take(client: Socket): void {
    const server = connect(this.#target);
    const pair = { client, server };
    this.#pairs.add(pair);
    client.on('data', (bytes) => this.#pass(bytes, server));
    server.on('data', (bytes) => client.write(bytes));
    for (const socket of [client, server]) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#pairs.delete(pair);
        client.destroy();
        server.destroy();
      });
    }
    if (this.#silent) hush(pair);
  }
}

function hush({ client, server }: Pair): void {
  client.pause();
  server.pause();
}
