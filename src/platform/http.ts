import cors from '@fastify/cors';
import { type FastifyError, type FastifyInstance, fastify } from 'fastify';
import type { Config } from '../config.ts';
import { boundAnswers } from './answers.ts';
import { newRequestId, requestIdOf } from './ids.ts';
import { isAllowedOrigin } from './origins.ts';
import { SECOND } from './units.ts';

/** Largest body of a request, in bytes. */
const MAX_BODY_BYTES = 512 * 1024;

/** Names a request, in its answer and in the log; a client may give it, as `requestIdOf` reads it. */
export const REQUEST_ID = 'x-request-id';

/** Milliseconds within which accepted requests are answered once the process ends. */
const MAX_DRAIN_MS = 10 * SECOND;

/** Bounds on JSON that is parsed: keys of objects and items of lists in all, and nested levels. */
const MAX_VALUES = 12_000;
const MAX_LEVELS = 100;

/**
 * The HTTP server, without routes but the health of the process.
 * @param isReady throws while a server is unreachable
 */
export async function openHttp(config: Config, isReady: () => Promise<void>): Promise<FastifyInstance> {
  const http = fastify({
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: 30_000,
    return503OnClosing: false,
    genReqId: ({ headers }) => requestIdOf(headers[REQUEST_ID]) ?? newRequestId(),
    routerOptions: { ignoreTrailingSlash: true },
  });
  const parseJson = http.getDefaultJsonParser('error', 'error');
  http.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    const fault = faultOfJson(String(body));
    if (fault) done(Object.assign(new Error(fault), { statusCode: 413 }));
    else parseJson(request, String(body), done);
  });
  await http.register(cors, {
    origin: (origin, decide) => decide(null, origin === undefined || isAllowedOrigin(config, origin)),
    allowedHeaders: [
      'content-type',
      'authorization',
      'x-queue-token',
      REQUEST_ID,
      'apollo-require-preflight',
      'x-apollo-operation-name',
    ],
    // For the cookie of a remembered session; its pages are on a host of the same site.
    credentials: true,
    maxAge: 600,
  });
  boundAnswers(http);
  // Runs before all other steps of closing: accepts no more connections, and closes the idle ones.
  http.addHook('preClose', async () => void http.server.close());
  http.addHook('onSend', (request, reply, _payload, done) => {
    // A cache would give everybody the id of the one request that it passed on.
    const isForAll = String(reply.getHeader('cache-control')).startsWith('public');
    if (!isForAll) void reply.header(REQUEST_ID, request.id);
    // As an option of the plugin it would be sent to clients that are no pages, too.
    if (request.headers.origin !== undefined) void reply.header('access-control-expose-headers', REQUEST_ID);
    if (!http.server.listening) void reply.header('connection', 'close');
    done();
  });
  http.setErrorHandler((error: FastifyError, _request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) throw error;
    const code = 'BAD_REQUEST';
    return reply.code(status).send({ errors: [{ message: error.message, extensions: { code } }] });
  });
  http.get('/health/live', async () => ({ status: 'alive' }));
  http.get('/health/ready', async (_request, reply) => {
    try {
      await isReady();
      return { status: 'ready' };
    } catch {
      return reply.code(503).send({ status: 'not ready' });
    }
  });
  return http;
}

/** Stops accepting requests, answers the accepted ones, then closes; cuts connections off after MAX_DRAIN_MS. */
export async function closeHttp(http: FastifyInstance): Promise<void> {
  const cut = setTimeout(() => http.server.closeAllConnections(), MAX_DRAIN_MS);
  try {
    await http.close();
  } finally {
    clearTimeout(cut);
  }
}

const [QUOTE, BACKSLASH, COMMA] = ['"', '\\', ','].map((sign) => sign.charCodeAt(0));
const [OPEN_OBJECT, OPEN_LIST, CLOSE_OBJECT, CLOSE_LIST] = ['{', '[', '}', ']'].map((sign) => sign.charCodeAt(0));

/**
 * Checks the size of JSON before it is parsed: objects of many keys take 20 times as long to parse as to read through.
 * @returns what is wrong with it; undefined when it may be parsed
 */
function faultOfJson(text: string): string | undefined {
  let values = 0;
  let levels = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === COMMA) values++;
    else if (code === CLOSE_OBJECT || code === CLOSE_LIST) levels--;
    else if (code === OPEN_OBJECT || code === OPEN_LIST) {
      values++;
      levels++;
    }
    if (values > MAX_VALUES) return `The body has more than ${MAX_VALUES} values.`;
    if (levels > MAX_LEVELS) return `The body has more than ${MAX_LEVELS} levels.`;
  }
  return undefined;
}

/** Index of the last character of the string that begins at `from`. */
function endOfString(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) at++;
    else if (code === QUOTE) return at;
  }
  return text.length;
}
