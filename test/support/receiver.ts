import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate } from './certificate.ts';
import type { Data } from './client.ts';

/** A request that reached the receiver. */
export interface Heard {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Data;
  /** The body as it was sent. */
  readonly text: string;
}

/** Takes alerts over https on this machine, and answers each path as a test says; 200 where it says nothing. */
export class Receiver {
  readonly heard: Heard[] = [];
  /** Connections that came, whether or not anything was asked over them. */
  connections = 0;
  readonly #server: Server;
  readonly #folder: string;
  readonly #answers = new Map<string, (response: ServerResponse) => void>();

  private constructor(server: Server, folder: string) {
    this.#server = server;
    this.#folder = folder;
    server.on('connection', () => this.connections++);
    server.on('request', async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { method = '', url: path = '', headers } = request;
      const text = Buffer.concat(chunks).toString();
      this.heard.push({ method, path, headers, text, body: JSON.parse(text) });
      const answer = this.#answers.get(path) ?? ((given) => given.end('ok'));
      answer(response);
    });
  }

  static async open(): Promise<Receiver> {
    const { key, cert } = makeCertificate();
    const folder = await mkdtemp(join(tmpdir(), 'receiver-'));
    await writeFile(join(folder, 'cert.pem'), cert);
    const receiver = new Receiver(createServer({ key, cert }).listen(0, '127.0.0.1'), folder);
    await once(receiver.#server, 'listening');
    return receiver;
  }

  /** What a process needs to reach the receiver as `localhost`, and to trust it. */
  get env(): Record<string, string> {
    return { ALERT_HOSTS: 'localhost', NODE_EXTRA_CA_CERTS: join(this.#folder, 'cert.pem') };
  }

  /** The URL of a path, under another name if wanted. */
  url(path: string, host = 'localhost'): string {
    return `https://${host}:${(this.#server.address() as AddressInfo).port}${path}`;
  }

  /** Answers the path so from now on. */
  answer(path: string, answer: (response: ServerResponse) => void): void {
    this.#answers.set(path, answer);
  }

  /** What was asked of the path, in the order of arrival. */
  at(path: string): Heard[] {
    return this.heard.filter((one) => one.path === path);
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await rm(this.#folder, { recursive: true });
  }
}
