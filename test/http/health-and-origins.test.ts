import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/builders.ts';
import { Socket } from '../support/socket.ts';
import { World } from '../support/world.ts';

let world: World;
let anywhere: string;
let strict: string;
beforeAll(async () => {
  world = await World.open({ processes: 0 });
  const started = await Promise.all([
    world.startProcess(),
    world.startProcess({ CORS_ORIGINS: 'https://tickets.example.com, https://seats.example.com:8443' }),
  ]);
  [anywhere, strict] = started.map(({ url }) => url) as [string, string];
});
afterAll(() => world.close());

async function health(path: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(new URL(path, anywhere));
  return { status: response.status, body: await response.json() };
}

describe('GET /health/ready', () => {
  afterEach(async () => {
    world.redisServer.thaw();
  });

  it('answers 200 while it serves, 503 while Redis is stopped, and 200 again without a restart', async () => {
    expect(await health('/health/ready')).toEqual({ status: 200, body: { status: 'ready' } });
    await world.redisServer.kill();
    expect(await health('/health/ready')).toEqual({ status: 503, body: { status: 'not ready' } });
    expect((await health('/health/live')).status, 'the process itself is well').toBe(200);
    await world.redisServer.start();
    await eventually(async () => (await health('/health/ready')).status === 200);
  });

  it('answers 503 within 3 seconds while Redis is frozen', async () => {
    world.redisServer.freeze();
    const start = performance.now();
    expect((await health('/health/ready')).status).toBe(503);
    expect(performance.now() - start).toBeLessThan(3_000);
    world.redisServer.thaw();
    await eventually(async () => (await health('/health/ready')).status === 200);
  });
});

function preflight(url: string, origin: string): Promise<Response> {
  return fetch(url, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type,x-queue-token',
    },
  });
}

async function ask(url: string, origin: string): Promise<Headers> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { origin, 'content-type': 'application/json' },
    body: '{"query":"{ settings { currency } }"}',
  });
  return response.headers;
}

/** Which origins a process answers, and which it does not. */
const JUDGED = {
  'without CORS_ORIGINS': {
    url: () => anywhere,
    allowed: ['http://localhost:3000', 'https://localhost', 'http://127.0.0.1:8080', 'http://[::1]:3000'],
    foreign: [
      'https://evil.example.com',
      'http://localhost.evil.example.com',
      'http://127.0.0.1.evil.example.com',
      'null',
    ],
  },
  'with CORS_ORIGINS': {
    url: () => strict,
    allowed: ['https://tickets.example.com', 'https://seats.example.com:8443'],
    foreign: [
      'http://tickets.example.com',
      'https://tickets.example.com:444',
      'https://seats.example.com',
      'https://x.tickets.example.com',
      'https://tickets.example.com.evil.com',
      'http://localhost:3000',
    ],
  },
};

describe.each(Object.entries(JUDGED))('%s', (_how, { url, allowed, foreign }) => {
  it('a page of an allowed origin may call, with the headers a buyer needs', async () => {
    for (const origin of allowed) {
      const { status, headers } = await preflight(url(), origin);
      expect(status).toBeLessThan(300);
      expect(headers.get('access-control-allow-origin')).toBe(origin);
      expect(headers.get('access-control-allow-headers')).toMatch(/content-type.*authorization.*x-queue-token/);
      expect(headers.get('access-control-allow-methods')).toContain('POST');
      expect((await ask(url(), origin)).get('access-control-allow-origin')).toBe(origin);
      await (await Socket.open(url(), { origin })).close();
    }
  });

  it('a page of a foreign origin may neither call, nor read an answer, nor open a WebSocket', async () => {
    for (const origin of foreign) {
      for (const headers of [(await preflight(url(), origin)).headers, await ask(url(), origin)]) {
        expect(headers.get('access-control-allow-origin')).toBeNull();
      }
      await expect(Socket.open(url(), { origin })).rejects.toThrow('403');
    }
  });

  it('a cache in between keeps answers for different origins apart', async () => {
    expect((await ask(url(), allowed[0] as string)).get('vary')).toMatch(/origin/i);
  });
});
