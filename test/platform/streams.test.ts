import { once } from 'node:events';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { Stream } from '../../src/platform/streams.ts';

it('a stream ends with its connection, also when that breaks right before a piece is written', async () => {
  let ended: Promise<string> | undefined;
  const server = createServer((_request, response) => {
    async function* body(): AsyncGenerator<string> {
      yield 'a piece';
      response.socket?.destroy();
      yield 'a piece that Node keeps for a connection which is gone';
    }
    ended = new Stream(response, 1_000).run({}, body()).then(() => 'ended');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    const request = get({ port: (server.address() as AddressInfo).port, agent: false });
    const [response] = await once(request, 'response');
    response.on('error', () => undefined).resume();
    await new Promise((resolve) => response.once('close', resolve));
    expect(await ended).toBe('ended');
  } finally {
    server.close();
  }
});
