import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib';
import { type FastifyInstance, fastify } from 'fastify';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { servePages } from '../../src/api/pages.ts';
import { scratchFolder } from '../support/scratch.ts';

const PAGE = '<!doctype html><title>Onsale</title>';
const SCRIPT = 'document.title = "Onsale";';
const BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

let folder: string;
let http: FastifyInstance;

beforeAll(async () => {
  folder = await scratchFolder('onsale-pages-');
  const built = join(folder, 'web');
  await mkdir(join(built, 'assets'), { recursive: true });
  await writeFile(join(folder, 'secret.txt'), 'secret');
  await writeFile(join(built, 'index.html'), PAGE);
  await writeFile(join(built, 'assets', 'app-1.js'), SCRIPT);
  await writeFile(join(built, 'assets', 'app-1.js.br'), brotliCompressSync(SCRIPT));
  http = fastify();
  http.get('/health/live', async () => ({ status: 'alive' }));
  servePages(http, built, '/graphql');
});

afterAll(async () => {
  await http.close();
  await rm(folder, { recursive: true, force: true });
});

it('a browser gets the page of the app, asked for anew each time, under a policy that lets nothing foreign run', async () => {
  for (const url of ['/', '/concerts/midnight-parade', '/tickets?lang=ko']) {
    const { statusCode, headers, body } = await http.inject({ url, headers: BROWSER });
    expect([url, statusCode, body]).toEqual([url, 200, PAGE]);
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'content-security-policy':
        "default-src 'self'; img-src 'self' https: data:; object-src 'none'; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'same-origin',
    });
  }
});

it('a script is kept by browsers for good under its name, and sent in the encoding that they take', async () => {
  const url = '/assets/app-1.js';
  const packed = await http.inject({ url, headers: { 'accept-encoding': 'gzip, deflate, br' } });
  expect(packed.headers).toMatchObject({
    'content-encoding': 'br',
    'cache-control': 'public, max-age=31536000, immutable',
    vary: 'accept-encoding',
  });
  expect(brotliDecompressSync(packed.rawPayload).toString()).toBe(SCRIPT);
  for (const accepted of [undefined, 'gzip', 'br;q=0', 'abr', 'gzip, br;q=0.0, x']) {
    const plain = await http.inject({ url, headers: accepted ? { 'accept-encoding': accepted } : {} });
    expect([accepted, plain.headers['content-encoding'], plain.body]).toEqual([accepted, undefined, SCRIPT]);
  }
});

it('a page that has not changed is not sent again', async () => {
  const { etag } = (await http.inject({ url: '/', headers: BROWSER })).headers;
  const again = await http.inject({ url: '/', headers: { ...BROWSER, 'if-none-match': String(etag) } });
  expect([again.statusCode, again.body]).toEqual([304, '']);
  const other = await http.inject({ url: '/', headers: { ...BROWSER, 'if-none-match': '"other"' } });
  expect(other.statusCode).toBe(200);
});

it('where programs are answered, and to programs, what is not there is no page', async () => {
  for (const url of [
    '/graphql',
    '/graphql/stream',
    '/health/nothing',
    '/webhooks/none',
    '/assets/app-2.js',
    '/robots.txt',
  ])
    expect([url, (await http.inject({ url, headers: BROWSER })).statusCode]).toEqual([url, 404]);
  expect((await http.inject({ url: '/concerts', headers: { accept: 'application/json' } })).statusCode).toBe(404);
  expect((await http.inject({ method: 'POST', url: '/', headers: BROWSER })).statusCode).toBe(404);
  expect((await http.inject('/health/live')).json()).toEqual({ status: 'alive' });
});

it('no path leads out of the folder of the pages', async () => {
  for (const url of ['/../secret.txt', '/..%2fsecret.txt', '/assets/..%5c..%2fsecret.txt', '/%2e%2e/secret.txt']) {
    const { statusCode, body } = await http.inject({ url, headers: BROWSER });
    expect([url, statusCode, body.includes('secret"')]).toEqual([url, 404, false]);
  }
});

it('at / a client that is no browser is told where to look, and a browser where no pages were built', async () => {
  const { headers, ...told } = await http.inject('/');
  expect(headers['content-type']).toBe('application/json; charset=utf-8');
  expect(told.json()).toMatchObject({ explorer: '/graphql (in a browser)', health: '/health/live, /health/ready' });

  const bare = fastify();
  servePages(bare, join(folder, 'nothing'), undefined);
  const page = await bare.inject({ url: '/', headers: BROWSER });
  expect([page.statusCode, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  expect(page.body).toContain('<h1>Onsale</h1>');
  expect(page.body).toContain('<a href="/health/ready">');
  expect(page.body).not.toContain('explorer');
  expect((await bare.inject('/')).json()).not.toHaveProperty('explorer');
  await bare.close();
});
