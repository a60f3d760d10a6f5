import { hash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** Where the build puts the pages. */
export const PAGES_FOLDER = fileURLToPath(new URL('../../web', import.meta.url));

const HTML = 'text/html; charset=utf-8';

const TYPES: Readonly<Record<string, string>> = {
  '.html': HTML,
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.ttf': 'font/ttf',
  '.woff2': 'font/woff2',
};

/** What a browser lets the pages load: all of it from this server, but pictures. Nobody shows them in a frame. */
const POLICY = "default-src 'self'; img-src 'self' https: data:; object-src 'none'; frame-ancestors 'none'";

/** Beginnings of paths at which programs are answered: what is not found there is no page. */
const NO_PAGES = new Set(['graphql', 'explorer', 'health', 'webhooks', 'exports']);

/** The compressed forms that the build writes beside a file, the best first. */
const ENCODINGS = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const;

/** One file of the pages, as it is sent. */
export interface Page {
  readonly type: string;
  readonly cacheControl: string;
  readonly digest: string;
  readonly plain: Buffer;
  readonly encoded: ReadonlyMap<string, Buffer>;
}

/**
 * Serves what the build made of web/: each file at its path, and the page of the app wherever a browser goes that no
 * other route answers, because the app has routes of its own. Every file is in memory, so that no path of a request
 * reaches the disk. At / others, and browsers where the pages were not built, are told where to look.
 * @param folder where the build has put them
 * @param explorerPath where browsers get the explorer; undefined where there is none
 */
export function servePages(http: FastifyInstance, folder: string, explorerPath: string | undefined): void {
  const pages = readPages(folder);
  const app = pages.get('/index.html');
  http.get('/', async (request, reply) => {
    if (!isOfBrowser(request)) return reply.send(signpost(explorerPath));
    return app ? sendPage(app, request, reply, POLICY) : reply.type(HTML).send(signpostPage(explorerPath));
  });
  if (!app) return;
  for (const [path, page] of pages) {
    if (!path.endsWith('.html')) http.get(path, async (request, reply) => sendPage(page, request, reply, POLICY));
  }
  http.get('/*', async (request, reply) => {
    if (isOfBrowser(request)) return sendPage(app, request, reply, POLICY);
    reply.callNotFound();
    return reply;
  });
}

/** What this is and where to look, for whoever asks for / and gets no page. */
function signpost(explorerPath: string | undefined): Record<string, string> {
  return {
    onsale: 'The open back end for an on-sale: a fair queue, seats, a shop with coupons, a wallet.',
    graphql: '/graphql (POST, GET; subscriptions over WebSocket: graphql-transport-ws)',
    streams: '/graphql/stream (subscriptions as server-sent events: POST)',
    ...(explorerPath !== undefined && { explorer: `${explorerPath} (in a browser)` }),
    health: '/health/live, /health/ready',
    docs: 'README.md, docs/ and schema/schema.graphql of the source',
  };
}

function signpostPage(explorerPath: string | undefined): string {
  const { onsale, ...places } = signpost(explorerPath);
  const rows = Object.entries(places).map(([name, text]) => {
    const linked = text.replace(/\/(graphql|health)[a-z/]*/g, (path) =>
      path === explorerPath || path.startsWith('/health') ? `<a href="${path}">${path}</a>` : path,
    );
    return `<dt>${name}</dt><dd>${linked}</dd>`;
  });
  return `<!doctype html><html lang="en"><title>Onsale</title><h1>Onsale</h1><p>${onsale}</p><dl>${rows.join('')}</dl></html>`;
}

/** Whether a browser asks for a page of the app, and not a program for a file or an answer that is not there. */
function isOfBrowser({ url, headers }: FastifyRequest): boolean {
  const path = url.split('?')[0] ?? '';
  const wantsPage = headers.accept?.includes('text/html') === true;
  return wantsPage && extname(path) === '' && !NO_PAGES.has(path.split('/')[1] ?? '');
}

/** The files below the folder, by the path at which they are served. */
export function readPages(folder: string): Map<string, Page> {
  if (!existsSync(folder)) return new Map();
  const files = readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && Object.hasOwn(TYPES, extname(entry.name)))
    .map((entry) => join(entry.parentPath, entry.name));
  return new Map(files.map((file) => [`/${relative(folder, file)}`, readPage(file)]));
}

function readPage(file: string): Page {
  const plain = readFileSync(file);
  const encoded = ENCODINGS.flatMap(([encoding, extension]) =>
    existsSync(file + extension) ? [[encoding, readFileSync(file + extension)] as const] : [],
  );
  return {
    type: TYPES[extname(file)] ?? '',
    cacheControl: cacheControlOf(file),
    digest: hash('sha256', plain, 'base64url').slice(0, 22),
    plain,
    encoded: new Map(encoded),
  };
}

/** The build names a file below assets by its content: under that name it never changes. */
function cacheControlOf(file: string): string {
  if (file.includes('/assets/')) return 'public, max-age=31536000, immutable';
  return file.endsWith('.html') ? 'no-cache' : 'public, max-age=600';
}

/** Sends a page, or that the browser has it already. @param policy the Content-Security-Policy that it runs under */
export function sendPage(page: Page, request: FastifyRequest, reply: FastifyReply, policy: string): FastifyReply {
  const { headers } = request;
  const encoding = ENCODINGS.map(([name]) => name).find(
    (name) => page.encoded.has(name) && accepts(headers['accept-encoding'], name),
  );
  const etag = `"${page.digest}${encoding ? `-${encoding}` : ''}"`;
  void reply.headers({
    'cache-control': page.cacheControl,
    'content-security-policy': policy,
    'referrer-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    vary: 'accept-encoding',
    etag,
  });
  if (headers['if-none-match']?.includes(etag)) return reply.code(304).send();
  if (encoding) void reply.header('content-encoding', encoding);
  return reply.type(page.type).send((encoding && page.encoded.get(encoding)) ?? page.plain);
}

/** Whether a client takes an encoding: it names it, and not with the weight 0. */
function accepts(accepted: string | string[] | undefined, encoding: string): boolean {
  return new RegExp(`(?:^|,)\\s*${encoding}\\s*(?:$|,|;(?!\\s*q=0(?:\\.0*)?\\s*(?:$|,)))`).test(String(accepted ?? ''));
}
