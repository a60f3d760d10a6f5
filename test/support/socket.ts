import { once } from 'node:events';
import type { Socket as NetSocket } from 'node:net';
import { type ClientOptions, WebSocket } from 'ws';
import type { Data } from './client.ts';

/** A WebSocket that says exactly what a test wants, also what no well-behaved client would. */
export class Socket {
  /** What the server has sent so far, in order. */
  readonly messages: Data[] = [];
  /** Resolves with code and reason once the connection is closed. */
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data) => this.messages.push(JSON.parse(String(data))));
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => resolve({ code, reason: String(reason) }));
    });
  }

  /** Connects to the process that serves `url`. @throws Error when the handshake is refused */
  static async open(url: string, options: ClientOptions = {}): Promise<Socket> {
    const socket = new WebSocket(url.replace(/^http/, 'ws'), 'graphql-transport-ws', options);
    await once(socket, 'open');
    return new Socket(socket);
  }

  /** Connects and is acknowledged, with an access token or as nobody. */
  static async ready(url: string, accessToken?: string): Promise<Socket> {
    const socket = await Socket.open(url);
    socket.send({
      type: 'connection_init',
      ...(accessToken !== undefined && { payload: { authorization: `Bearer ${accessToken}` } }),
    });
    await socket.until(({ type }) => type === 'connection_ack');
    return socket;
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /** The port of this end. */
  get port(): number {
    return (this.#socket as unknown as { _socket: NetSocket })._socket.localPort ?? 0;
  }

  /** Sends a message as JSON; text as it is. */
  send(message: object | string): void {
    this.#socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  subscribe(id: string, query: string, variables: object = {}): void {
    this.send({ type: 'subscribe', id, payload: { query, variables } });
  }

  /** The first message that satisfies `wanted`; fails after `withinMs`. */
  async until(wanted: (message: Data) => boolean, withinMs = 20_000): Promise<Data> {
    for (const deadline = Date.now() + withinMs; ; ) {
      const found = this.messages.find(wanted);
      if (found) return found;
      if (Date.now() > deadline)
        throw new Error(`not heard within ${withinMs} ms; heard ${JSON.stringify(this.messages)}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Asks and is answered: everything sent before has reached the server, and its answers have arrived. */
  async settle(): Promise<void> {
    const mark = `${Math.random()}`;
    this.send({ type: 'ping', payload: { mark } });
    await this.until(({ type, payload }) => type === 'pong' && payload.mark === mark);
  }

  /** Reads nothing more, as a client whose tab is frozen. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  async close(): Promise<void> {
    this.#socket.close();
    await this.closed;
  }
}
