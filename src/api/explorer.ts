import { fileURLToPath } from 'node:url';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { readPages, sendPage } from './pages.ts';

/** Where the build puts the explorer. */
export const EXPLORER_FOLDER = fileURLToPath(new URL('../../explorer', import.meta.url));

/** Where its scripts and styles are served; its page is served at /graphql. */
const PREFIX = '/explorer';

/**
 * What a browser lets the explorer load: all of it from this server. Its editor writes styles into the page, and draws with
 * pictures that are in its styles; it runs no text as a script.
 */
const POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The page with which people explore the schema. */
export interface Explorer {
  /** Whether a browser asks for the page, and not a client for an answer. */
  isAskedFor(request: FastifyRequest): boolean;
  send(request: FastifyRequest, reply: FastifyReply): FastifyReply;
}

/**
 * Serves the files of the explorer.
 * @param folder where the build has put it
 * @returns its page, for a browser at /graphql; undefined where it was not built
 */
export function serveExplorer(http: FastifyInstance, folder: string): Explorer | undefined {
  const files = readPages(folder);
  const page = files.get('/index.html');
  if (!page) return undefined;
  for (const [path, file] of files) {
    if (file === page) continue;
    http.get(`${PREFIX}${path}`, async (request, reply) => sendPage(file, request, reply, POLICY));
  }
  return {
    isAskedFor: ({ method, headers, query }) =>
      method === 'GET' && headers.accept?.includes('text/html') === true && Object.keys(query as object).length === 0,
    send: (request, reply) => sendPage(page, request, reply, POLICY),
  };
}
