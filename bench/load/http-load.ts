import { connect, type Socket } from 'node:net';

/** One operation as the bytes of a request. */
export function requestOf(url: string, query: string, variables: object, headers: Record<string, string> = {}): Buffer {
  const { host, pathname } = new URL(url);
  const body = Buffer.from(JSON.stringify({ query, variables }));
  const all = { host, 'content-type': 'application/json', 'content-length': String(body.length), ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return Buffer.concat([Buffer.from([`POST ${pathname} HTTP/1.1`, ...lines, '', ''].join('\r\n')), body]);
}

/**
 * One connection that asks one thing after another and costs little itself: a client that parsed more would measure
 * itself. Answers must have a content-length.
 */
export class Asker {
  readonly #socket: Socket;
  readonly #onAnswer: (status: number, body: string) => void;
  #received: Buffer = Buffer.alloc(0);

  /** @param onBroken called when the connection fails, or is closed by the server */
  constructor(url: string, onAnswer: (status: number, body: string) => void, onBroken: (error: Error) => void) {
    const { hostname, port } = new URL(url);
    this.#onAnswer = onAnswer;
    this.#socket = connect(Number(port), hostname).setNoDelay(true);
    this.#socket.on('data', (chunk) => this.#take(chunk));
    this.#socket.on('error', onBroken);
    this.#socket.on('end', () => onBroken(new Error('closed by the server')));
  }

  ask(request: Buffer): void {
    this.#socket.write(request);
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length > 0 ? Buffer.concat([this.#received, chunk]) : chunk;
    const end = this.#received.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = this.#received.toString('latin1', 0, end);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
    if (this.#received.length < end + 4 + length) return;
    const body = this.#received.toString('utf8', end + 4, end + 4 + length);
    this.#received = this.#received.subarray(end + 4 + length);
    this.#onAnswer(Number(head.slice(9, 12)), body);
  }
}

/** What a load of requests came to. */
export interface Load {
  readonly answers: number;
  readonly seconds: number;
  /** Milliseconds that 99 of 100 answers took at most. */
  readonly p99: number;
  readonly bodies: string[];
}

interface Plan {
  readonly connections: number;
  /** Stop after so long, in milliseconds; */
  readonly forMs?: number;
  /** or after each request has been answered once. */
  readonly once?: true;
}

/**
 * Sends the requests in turn over some connections, each the next as soon as its last was answered.
 * @returns with `once` all bodies in the order of the requests, else the last one
 * @throws Error for an answer that is not 200 or has errors
 */
export function loadHttp(url: string, requests: readonly Buffer[], { connections, forMs, once }: Plan): Promise<Load> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const took: number[] = [];
    const bodies: string[] = [];
    let next = 0;
    let answers = 0;
    const askers: Asker[] = [];
    const finish = (error?: Error): void => {
      for (const asker of askers) asker.close();
      const p99 = took.sort((a, b) => a - b)[Math.floor(took.length * 0.99)] ?? 0;
      if (error) reject(error);
      else resolve({ answers, seconds: (performance.now() - began) / 1_000, p99, bodies });
    };
    const start = (): void => {
      let index = next++;
      let askedAt = performance.now();
      const asker = new Asker(
        url,
        (status, body) => {
          if (status !== 200 || body.includes('"errors"')) return finish(new Error(`${status}: ${body}`));
          answers += 1;
          took.push(performance.now() - askedAt);
          bodies[once ? index : 0] = body;
          if (once ? answers === requests.length : performance.now() - began > (forMs ?? 0)) return finish();
          index = next++;
          askedAt = performance.now();
          if (!once || index < requests.length) asker.ask(requests[index % requests.length] as Buffer);
        },
        finish,
      );
      askers.push(asker);
      asker.ask(requests[index % requests.length] as Buffer);
    };
    for (let i = 0; i < Math.min(connections, requests.length); i++) start();
  });
}
