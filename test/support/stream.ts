import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { Data } from './client.ts';

/** A stream of GraphQL over SSE that says exactly what a test wants, and shows what came byte by byte. */
export class Stream {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** Everything that has come so far, as it came. */
  text = '';
  /** Resolves when the response has ended: 'ended' in order, 'broken' when it was cut off. */
  readonly over: Promise<'ended' | 'broken'>;
  readonly #request: ClientRequest;
  readonly #response: IncomingMessage;

  private constructor(asked: ClientRequest, response: IncomingMessage) {
    this.#request = asked;
    this.#response = response;
    this.status = response.statusCode ?? 0;
    this.headers = response.headers;
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      this.text += chunk;
    });
    this.over = new Promise((resolve) => {
      response.once('end', () => resolve('ended'));
      response.once('close', () => resolve('broken'));
    });
    response.on('error', () => undefined);
  }

  /** Asks the process that serves `url`; resolves with the head of its answer. */
  static open(url: string, headers: Record<string, string>, body: unknown, method = 'POST'): Promise<Stream> {
    return new Promise((resolve, reject) => {
      const asked = request(`${url}/stream`, {
        method,
        agent: false,
        headers: { accept: 'text/event-stream', 'content-type': 'application/json', ...headers },
      });
      asked.once('response', (response) => resolve(new Stream(asked, response)));
      asked.once('error', reject);
      asked.on('error', () => undefined);
      asked.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
    });
  }

  /** Subscribes with an access token. */
  static subscribe(url: string, accessToken: string, query: string, variables: object = {}): Promise<Stream> {
    return Stream.open(url, { authorization: `Bearer ${accessToken}` }, { query, variables });
  }

  /** The events so far, in order; `complete` has no data. */
  get events(): { event: string; data: Data }[] {
    const blocks = this.text.split('\n\n').slice(0, -1);
    return blocks
      .map((block) => /^event: (\w+)\ndata:(?: (.*))?$/.exec(block))
      .filter((match) => match !== null)
      .map(([, event, data]) => ({ event: event as string, data: data ? JSON.parse(data) : undefined }));
  }

  /** What the events `next` told, in order. */
  get results(): Data[] {
    return this.events.filter(({ event }) => event === 'next').map(({ data }) => data);
  }

  /** The first result that satisfies `wanted`; fails after `withinMs`. */
  async until(wanted: (result: Data) => boolean, withinMs = 20_000): Promise<Data> {
    for (const deadline = Date.now() + withinMs; ; ) {
      const found = this.results.find(wanted);
      if (found) return found;
      if (Date.now() > deadline) throw new Error(`not heard within ${withinMs} ms; heard ${this.text}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** The port of this end. */
  get port(): number {
    return this.#request.socket?.localPort ?? 0;
  }

  /** Reads nothing more. */
  pause(): void {
    this.#response.pause();
  }

  resume(): void {
    this.#response.resume();
  }

  close(): void {
    this.#request.destroy();
  }
}
