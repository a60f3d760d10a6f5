import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Data } from './client.ts';
import type { Shuffle } from './openings.ts';

/** A server in front of a process that changes what is told of a draw. */
export interface Tampering {
  readonly url: string;
  /** The bodies that were sent to it. */
  readonly heard: string[];
  close(): void;
}

/** @param change gets what the process answered and the priority that was asked for; answers what is told instead */
export async function tamper(
  url: string,
  change: (shuffle: Shuffle, priority: number) => Partial<Shuffle>,
): Promise<Tampering> {
  const heard: string[] = [];
  const server = createServer(async (request, response) => {
    const body = await textOf(request);
    heard.push(body);
    const { priority = 0 } = (JSON.parse(body).variables ?? {}) as { priority?: number };
    const headers = { 'content-type': 'application/json' };
    const answer = (await (await fetch(url, { method: 'POST', headers, body })).json()) as Data;
    Object.assign(answer.data.queueShuffle, change(answer.data.queueShuffle, priority));
    response.writeHead(200, headers).end(JSON.stringify(answer));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/graphql`, heard, close: () => server.close() };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
